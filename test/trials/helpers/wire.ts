/** What lies between the gateway and a server: bytes pass, until a trial cuts it or lets it stammer. */

import type { AddressInfo } from "node:net";
import { connect, createServer, type Socket } from "node:net";

export interface Wire extends AsyncDisposable {
  /** `127.0.0.1:port` */
  readonly host: string;
  /** Ends all connections at once, whatever is under way. */
  cut(): void;
  /** The next bytes from the server arrive as these, and then the connection ends. */
  garble(junk: string): void;
}

export async function startWire(port: number): Promise<Wire> {
  const sockets = new Set<Socket>();
  let junk: string | undefined;
  const keep = (socket: Socket, other: Socket): void => {
    sockets.add(socket);
    socket
      .on("error", () => {})
      .on("close", () => {
        sockets.delete(socket);
        other.destroy();
      });
  };
  const server = createServer((near) => {
    const far = connect(port, "127.0.0.1");
    keep(near, far);
    keep(far, near);
    near.pipe(far);
    far.on("data", (bytes: Buffer) => {
      if (junk === undefined) near.write(bytes);
      else near.end(junk);
      junk = undefined;
    });
    far.on("end", () => near.end());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut,
    garble(text) {
      junk = text;
    },
    async [Symbol.asyncDispose]() {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

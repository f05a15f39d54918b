/** An HTTP proxy on loopback, which stands for the whole internet. */
import { createServer, request as send } from "node:http";
import { type AddressInfo, connect } from "node:net";

export interface TestProxy extends AsyncDisposable {
  readonly port: number;
  /** Hosts that were asked for. */
  readonly targets: readonly string[];
  readonly credentials: readonly (string | undefined)[];
  forget(): void;
}

/** A proxy that finds every host on this port of this machine. */
export async function startProxy(port: () => number): Promise<TestProxy> {
  const targets: string[] = [];
  const credentials: (string | undefined)[] = [];
  const note = (host: string, credential: string | undefined): void => {
    targets.push(host.replace(/:\d+$/, ""));
    credentials.push(credential);
  };
  const server = createServer((request, response) => {
    const { pathname, host } = new URL(request.url ?? "");
    note(host, request.headers["proxy-authorization"]);
    const { method, headers } = request;
    request.pipe(
      send({ port: port(), path: pathname, method, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      }),
    );
  });
  server.on("connect", ({ url = "", headers }, socket) => {
    note(url, headers["proxy-authorization"]);
    const through = connect(port(), "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      through.pipe(socket).pipe(through);
    });
    through.on("error", () => socket.destroy());
    socket.on("error", () => through.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    targets,
    credentials,
    forget() {
      targets.length = 0;
      credentials.length = 0;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

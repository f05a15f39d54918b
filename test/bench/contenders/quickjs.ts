/**
 * `quickjs-emscripten` in its caller's process: one WebAssembly module kept warm, a fresh runtime and context per run,
 * tools as deferred promises, a memory limit and a deadline, as its README shows.
 */
import { loadPeer } from "../peers.ts";
import { type Contender, hostTools, programOf } from "./contender.ts";

interface Handle {
  dispose(): void;
}
interface Deferred {
  readonly handle: Handle;
  readonly settled: Promise<void>;
  resolve(value: Handle): void;
}
interface QuickJsContext extends Handle {
  readonly global: Handle;
  readonly runtime: {
    executePendingJobs(): unknown;
    setMemoryLimit(bytes: number): void;
    setInterruptHandler(handler: unknown): void;
  };
  newFunction(name: string, act: (args: Handle) => Handle): Handle;
  newNumber(value: number): Handle;
  newPromise(): Deferred;
  setProp(on: Handle, name: string, value: Handle): void;
  dump(handle: Handle): unknown;
  evalCode(code: string): unknown;
  unwrapResult(result: unknown): Handle;
  resolvePromise(handle: Handle): Promise<unknown>;
}
interface QuickJsModule {
  getQuickJS(): Promise<{ newContext(): QuickJsContext }>;
  shouldInterruptAfterDeadline(deadline: number): unknown;
}

const MEMORY_BYTES = 64 * 1024 * 1024;
const WALL_MS = 60_000;

export async function createContender(): Promise<Contender> {
  const module = loadPeer("quickjs-emscripten") as QuickJsModule;
  const quickjs = await module.getQuickJS();

  async function run(code: string): Promise<unknown> {
    const vm = quickjs.newContext();
    vm.runtime.setMemoryLimit(MEMORY_BYTES);
    vm.runtime.setInterruptHandler(module.shouldInterruptAfterDeadline(Date.now() + WALL_MS));
    expose(vm, "echo", (args) => hostTools.echo((args as { value: unknown }).value));
    expose(vm, "slow", hostTools.slow);
    const promise = vm.unwrapResult(vm.evalCode(`(async () => {${code}})()`));
    const settled = vm.resolvePromise(promise);
    promise.dispose();
    vm.runtime.executePendingJobs();
    const handle = vm.unwrapResult(await settled);
    const result = vm.dump(handle);
    handle.dispose();
    vm.dispose();
    return result;
  }

  return { run: (task) => run(programOf(task)), [Symbol.asyncDispose]: async () => undefined };
}

function expose(vm: QuickJsContext, name: string, act: (args: unknown) => unknown): void {
  const handle = vm.newFunction(name, (argsHandle) => {
    const args = vm.dump(argsHandle);
    const deferred = vm.newPromise();
    void Promise.resolve(act(args)).then((value) => {
      const result = vm.newNumber(Number(value));
      deferred.resolve(result);
      result.dispose();
    });
    void deferred.settled.then(() => vm.runtime.executePendingJobs());
    return deferred.handle;
  });
  vm.setProp(vm.global, name, handle);
  handle.dispose();
}

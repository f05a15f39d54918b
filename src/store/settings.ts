/** How a deployment wants its runs kept: the `store` section of a configuration. */
import { resolve } from "node:path";
import type { QuotaLimits } from "./quota.ts";

export interface StoreSettings extends QuotaLimits {
  /** A file, created when absent, or `:memory:`, which keeps nothing beyond this process. */
  readonly path: string;
  /**
   * Whether a flush waits for the disk, so that what must survive also survives a power cut. Default false: it survives
   * the end of this process, however that comes.
   */
  readonly fsync?: boolean;
}

export const IN_MEMORY = ":memory:";

/** The path resolved from the root. A path that is no file stays as it is. */
export function resolveStorePath(
  path: string,
  toPath: (path: string) => string = (file) => resolve(file),
): string {
  return path === IN_MEMORY ? path : toPath(path);
}

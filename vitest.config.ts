import { defineConfig, type ViteUserConfig } from "vitest/config";

const config: ViteUserConfig = defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    pool: "forks",
    setupFiles: ["test/helpers/setup.ts"],
    testTimeout: 20_000,
    // A shared machine can stall any single test. CI retries it once and lists it (.ci/run); elsewhere it fails.
    retry: process.env["CI"] === "true" ? 1 : 0,
    hookTimeout: 30_000,
    coverage: { provider: "v8", include: ["sandbox/**", "src/**"], reporter: ["text"] },
  },
});
export default config;

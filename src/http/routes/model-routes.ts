/** Lists the available models, in OpenAI's form. */
import type { FastifyInstance } from "fastify";
import type { Gateway } from "../../gateway.ts";

interface ModelObject {
  readonly id: string;
  readonly object: "model";
  readonly created: number;
  readonly owned_by: string;
}

export function registerModelRoutes(app: FastifyInstance, { models, config }: Gateway): void {
  // OpenAI's form requires `created`, but the gateway cannot know it. Clients do not use it.
  const created = Math.floor(Date.now() / 1_000);
  const toObject = (id: string, provider: string | null): ModelObject => ({
    id,
    object: "model",
    created,
    owned_by: provider ?? "toolarium",
  });

  app.get("/v1/models", async () => ({
    object: "list",
    data: models
      .list()
      .filter(({ modeSuffix }) => config.server.modelSuffixes || modeSuffix === undefined)
      .map(({ id, provider }) => toObject(id, provider)),
  }));

  // Ids hold slashes, which clients send with or without escapes.
  app.get<{ Params: { "*": string } }>("/v1/models/*", async ({ params }) => {
    const id = params["*"];
    return toObject(id, models.resolve(id).provider);
  });
}

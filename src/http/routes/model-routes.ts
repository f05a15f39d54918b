/** The models that can be asked, in OpenAI's shape. */
import type { FastifyInstance } from "fastify";
import type { Gateway } from "../../gateway.ts";

interface ModelObject {
  readonly id: string;
  readonly object: "model";
  readonly created: number;
  readonly owned_by: string;
}

export function registerModelRoutes(app: FastifyInstance, { models, config }: Gateway): void {
  // The gateway cannot know when a model was made; the field is mandatory and means nothing to clients.
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

  // Ids hold slashes, which clients send as they are or escaped.
  app.get<{ Params: { "*": string } }>("/v1/models/*", async ({ params }) => {
    const id = params["*"];
    return toObject(id, models.resolve(id).provider);
  });
}

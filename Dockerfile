# The gateway in a container. No compilers: isolated-vm ships its prebuild for this Node and glibc.
#
#   docker build -t toolarium .
#   docker run -p 8080:8080 -v ./toolarium.json:/config/toolarium.json:ro \
#     -e SUPPORT_KEY -e TOOLARIUM_CONFIG=/config/toolarium.json toolarium
#
# Inside, the gateway listens on all interfaces, or nothing could reach it. It refuses to do so without keys, because
# whoever reaches the port could run programs: the configuration needs at least one entry in "keys".

FROM node:24-bookworm-slim AS build
WORKDIR /app
# .dev is the development Node, which the lock names and npm ci therefore wants. The last stage does not have it.
COPY package.json package-lock.json ./
COPY .dev .dev
RUN npm ci --ignore-scripts
COPY . .
RUN npm run build && npm ci --omit=dev --ignore-scripts

FROM node:24-bookworm-slim
# Reaps what stdio servers leave behind when they start processes of their own and die.
RUN apt-get update && apt-get install -y --no-install-recommends tini && rm -rf /var/lib/apt/lists/*
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/package.json /app/LICENSE ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY --from=build /app/demo demo
# Fails the build, not the first request, if the engine does not fit this Node.
RUN node --no-node-snapshot -e "new (require('isolated-vm').Isolate)({ memoryLimit: 8 }).dispose()" \
  && mkdir /data && chown node:node /data
USER node
# Relative paths of a mounted configuration are relative to it; /data is a place to keep a database.
VOLUME /data
ENV TOOLARIUM_HOST=0.0.0.0
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.TOOLARIUM_PORT ?? 8080}/livez`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["tini", "--", "node", "dist/src/bin.js"]
CMD ["serve"]

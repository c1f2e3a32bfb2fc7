# docker build --target api .      docker build --target worker .
# The worker trains with the portable engine: no TensorFlow library is in this image.

FROM node:24-bookworm-slim AS build
WORKDIR /app
# Manifests first: a change of source keeps the layer of installed packages.
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
RUN npm run build
# npm keeps the Prisma CLI and what it pulls in, as an optional peer of the client; nothing imports them at run time (220 MB).
RUN npm prune --omit=dev \
  && cd node_modules \
  && rm -rf prisma @prisma/dev @prisma/engines @prisma/fetch-engine @prisma/query-plan-executor \
    @prisma/streams-local @prisma/studio-core @electric-sql effect elkjs react-dom \
    typescript @typescript

FROM node:24-bookworm-slim AS runtime
ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    PORT=3000 \
    TRAINYARD_DATA_DIR=/data
WORKDIR /app
# The code stays root's: the service can read it, not change it.
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/prisma ./prisma
COPY --from=build /app/dist ./dist
# Before VOLUME: what changes the folder after it is lost. A new named volume takes this owner.
RUN mkdir /data && chown node:node /data
VOLUME /data
USER node
STOPSIGNAL SIGTERM

FROM runtime AS worker
# No port to ask; its lease and GET /v1/workers tell whether it lives.
HEALTHCHECK NONE
CMD ["node", "dist/worker/main.js"]

# Last, so that a build without --target gives the API.
FROM runtime AS api
EXPOSE 3000
# /healthz, not /readyz: a restart does not bring Postgres back. The image has no curl.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.PORT + '/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "dist/src/server.js"]

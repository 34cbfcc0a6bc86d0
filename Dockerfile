# One image for both services: the API is what it runs by itself, and `node --import tsx services/worker/main.ts` is a
# worker. Tags name exact versions; pin them by digest where your registry is at hand:
#   docker buildx imagetools inspect node:24.21.0-trixie-slim

# The full image has the compiler and the headers that better-sqlite3 needs: nothing prebuilt is fetched from elsewhere.
FROM node:24.21.0-trixie AS build
WORKDIR /app
ENV npm_config_build_from_source=true \
    npm_config_nodedir=/usr/local
COPY package.json package-lock.json ./
# What only compiling needs (sources, headers, objects) is half of what is installed.
RUN npm ci --omit=dev --no-audit --no-fund \
  && find node_modules/better-sqlite3 -mindepth 1 -maxdepth 1 -name deps -exec rm -r {} + \
  && find node_modules/better-sqlite3/build -type f ! -name better_sqlite3.node -delete

FROM node:24.21.0-trixie-slim
# TSX_DISABLE_CACHE: the file system is read-only, so that there is nowhere to keep what tsx has translated.
ENV NODE_ENV=production \
    TSX_DISABLE_CACHE=1 \
    HOST=0.0.0.0 \
    PORT=8000
WORKDIR /app
COPY --from=build /app/node_modules ./node_modules
COPY package.json LICENSE ./
COPY shared ./shared
COPY services ./services
COPY scripts ./scripts
# All of it is root's, and the service is not root. Only the embedded shape writes, and only here: mount a volume on it.
RUN install --directory --owner=1000 --group=1000 data
USER 1000:1000
EXPOSE 8000
# A worker answers on WORKER_PORT, an API on PORT.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "const { PORT, WORKER_PORT } = process.env; fetch(`http://127.0.0.1:${WORKER_PORT || PORT}/health/ready`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "--max-semi-space-size=64", "--import", "tsx", "services/main.ts"]

# autoheal as an image: production dependencies only, only this platform's binaries, not root.
#   docker build -t autoheal .
ARG NODE_IMAGE=node:24-bookworm-slim

FROM ${NODE_IMAGE} AS modules
WORKDIR /app
COPY package.json package-lock.json ./
# No package's script runs. better-sqlite3 brings its binaries for eight platforms and its C sources: one
# binary stays.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund --cache /tmp/npm \
  && rm -rf /tmp/npm node_modules/better-sqlite3/deps node_modules/better-sqlite3/src \
  && find node_modules/better-sqlite3/prebuilds -type f ! -name "linux-$(node -p process.arch).node" -exec rm {} +

FROM ${NODE_IMAGE}
ENV NODE_ENV=production \
    AUTOHEAL_HOST=0.0.0.0 \
    AUTOHEAL_PORT=9009 \
    AUTOHEAL_DATABASE_URL=sqlite:/data/autoheal.db
WORKDIR /app
COPY --from=modules /app/node_modules ./node_modules
COPY package.json ./
COPY bin ./bin
COPY src ./src
COPY actions ./actions
COPY rules ./rules
# A named volume takes over this owner. Nothing else is written: the root file system may be read-only.
RUN mkdir -p /data node_modules/.cache/autoheal && chown node:node /data node_modules/.cache/autoheal
USER node
# One start, so that the image has its code with the types stripped, and compiled, where bin/autoheal.js looks for it: a
# container cannot write it there, and would spend 600 ms of CPU and 25 MB on that at each start. Only this user's counts.
RUN set -e; folder=$(mktemp -d); tries=0; \
  AUTOHEAL_HOST=127.0.0.1 AUTOHEAL_PORT=0 AUTOHEAL_DATABASE_URL=sqlite:$folder/autoheal.db node bin/autoheal.js serve & service=$!; \
  until ls node_modules/.cache/autoheal/*/* >/dev/null 2>&1; do tries=$((tries + 1)); [ $tries -lt 300 ]; sleep 0.2; done; \
  kill $service; wait $service; rm -r "$folder"
VOLUME /data
EXPOSE 9009
HEALTHCHECK --interval=5s --timeout=4s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.AUTOHEAL_PORT}/health/readiness`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "bin/autoheal.js", "serve"]

# The gateway, and everything else of this repository that runs in a container: `docker build -t cam-mfa-gateway .`
# docs/operators/containers.md says how to use it.

# The same Node as in development, where package.json pins it; a test compares the two.
FROM node:24.21.0-trixie-slim AS node
WORKDIR /app

FROM node AS build
COPY package.json package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY scripts ./scripts
COPY schema/migrations ./schema/migrations
COPY src ./src
# /version shows it: docker build --build-arg COMMIT=$(git rev-parse HEAD) .
ARG COMMIT=unknown
# Remove the files that only a later build uses.
RUN npm run build && rm -r dist/.build dist/modules
RUN npm run --silent sbom > sbom.cdx.json

# The demo identity provider of docker-compose.yml. It is a development dependency, so the gateway's image does not have it.
FROM build AS issuer
COPY scripts/stack ./scripts/stack
USER 1000:1000
CMD ["node", "scripts/stack/issuer.ts"]

FROM node AS dependencies
COPY package.json package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev --no-audit --no-fund

FROM node
# The gateway ignores NODE_ENV, but libraries read it.
ENV NODE_ENV=production
COPY package.json LICENSE ./
COPY schema ./schema
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
# The packages of the image, for scanners.
COPY --from=build /app/sbom.cdx.json ./
# Root owns /app, so the process cannot change its own code. With a number, orchestrators can verify that it is not root.
USER 1000:1000
# The address comes from HOST and PORT. A start usually takes a second or two.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --start-interval=1s --retries=3 \
  CMD ["node", "dist/containers/healthcheck.js"]
# Server mode: a missing setting is an error. No EXPOSE, because the gateway listens on loopback by default.
CMD ["node", "dist/main.js", "serve"]

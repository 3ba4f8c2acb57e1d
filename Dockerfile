# The image of Hypervisor: its bundle, its dashboard, and the packages that these need at run time. See docs/production.md.
#
# Both bases can be replaced, by images that have Node 20. One to build in that has the packages of package-lock.json in
# /app/node_modules already needs no registry.
ARG BUILD_IMAGE=node:20-bookworm-slim
ARG BASE_IMAGE=node:20-bookworm-slim

FROM ${BUILD_IMAGE} AS build
WORKDIR /app
COPY .npmrc package.json package-lock.json ./
RUN test -e node_modules/.package-lock.json || npm ci --include=dev
COPY . .
RUN node scripts/build.mjs && mkdir /data

FROM ${BASE_IMAGE}
ENV NODE_ENV=production \
    HYPERVISOR_HOST=0.0.0.0 \
    HYPERVISOR_DATA_DIR=/var/lib/hypervisor \
    XDG_CONFIG_HOME=/var/lib/hypervisor/.config
# The same directory as above: the bundles know where they are.
WORKDIR /app
COPY --from=build /app/dist .
# "node" in the images of that name. A volume there begins with this owner.
COPY --from=build --chown=1000:1000 /data /var/lib/hypervisor
USER 1000:1000
VOLUME /var/lib/hypervisor
EXPOSE 7420
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s \
    CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.HYPERVISOR_PORT || 7420}/api/v1/health`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/bin/hypervisor.mjs"]
CMD ["up"]

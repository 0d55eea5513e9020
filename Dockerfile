# The dashboard, and any other command: docker run --rm music-faker node dist/cli/main.js --help
FROM node:24-slim AS build
WORKDIR /app
COPY . .
# A clone has to be built first; the published package holds dist/ already.
RUN if [ -d src ]; then npm run build; fi
RUN rm -rf node_modules && \
    if [ -f package-lock.json ]; then npm ci --omit=dev --no-audit --no-fund; else npm install --omit=dev --no-audit --no-fund; fi

FROM node:24-slim
WORKDIR /app
ENV NODE_ENV=production
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY --from=build /app/cluster ./cluster
USER node
EXPOSE 5001
CMD ["node", "dist/cli/main.js", "dashboard"]

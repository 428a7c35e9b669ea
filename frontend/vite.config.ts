import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { compress } from "./compress.ts";

// Where Django serves dist/app: its STATIC_URL, and `app`.
const BASE = "/static/app/";
const API = process.env.API ?? "http://localhost:8000";

export default defineConfig(({ command }) => ({
  base: command === "build" ? BASE : "/",
  plugins: [react(), compress("dist/app")],
  server: {
    port: 5173,
    // The Origin stays the page's own: the service allows http://localhost:5173 in development.
    proxy: Object.fromEntries(
      ["/graphql", "/schema.graphql", "/o/", "/static/"].map((path) => [path, { target: API }]),
    ),
  },
  build: { outDir: "dist/app", assetsInlineLimit: 0, modulePreload: false },
  test: {
    projects: [
      {
        extends: true,
        test: { name: "unit", environment: "happy-dom", include: ["src/**/*.test.{ts,tsx}"] },
      },
      {
        resolve: { alias: { "expo-secure-store": `${import.meta.dirname}/clients/expo-secure-store.ts` } },
        test: {
          name: "clients",
          include: ["clients/**/*.test.{ts,tsx}"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["e2e/**/*.test.ts"],
          fileParallelism: false,
          testTimeout: 90_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
}));

import react from "@vitejs/plugin-react";
import { defaultClientConditions } from "vite";
import { defineConfig } from "vitest/config";
import { compress } from "./compress.ts";

const API = process.env.API ?? "http://localhost:8000";

export default defineConfig(({ command }) => ({
  // Relative addresses: the service prefixes those of the page with its own, which may have a path.
  base: command === "build" ? "./" : "/",
  plugins: [react(), compress("dist/app")],
  server: {
    port: 5173,
    // The Origin stays the page's own: the service allows http://localhost:5173 in development.
    proxy: Object.fromEntries(
      ["/graphql", "/schema.graphql", "/o/", "/static/"].map((path) => [path, { target: API }]),
    ),
  },
  // The ES2015 build of rxjs: its default is ES5, which is longer.
  resolve: { conditions: ["es2015", ...defaultClientConditions] },
  publicDir: false, // its files have no hash in their names
  build: {
    outDir: "dist/app",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      // One file for the first view: several compress worse, and would come one after the other.
      output: { codeSplitting: { groups: [{ name: "app", tags: ["$initial"] }] } },
    },
  },
  test: {
    projects: [
      {
        extends: true,
        test: { name: "unit", environment: "happy-dom", include: ["src/**/*.test.{ts,tsx}"] },
      },
      {
        resolve: {
          alias: Object.fromEntries(
            ["expo-secure-store", "react-native-passkeys"].map((name) => [
              name,
              `${import.meta.dirname}/clients/${name}.ts`,
            ]),
          ),
        },
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

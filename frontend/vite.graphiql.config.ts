import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { compress } from "./compress.ts";

/** GraphiQL as static files of Django's: found relative to each other, so under any STATIC_URL. */
export default defineConfig({
  base: "./",
  publicDir: false,
  plugins: [react(), compress("dist/graphiql")],
  worker: { format: "es", rolldownOptions: { output: { entryFileNames: "[name]-[hash].js" } } },
  build: {
    outDir: "dist/graphiql",
    assetsInlineLimit: 0,
    modulePreload: false,
    cssCodeSplit: false,
    chunkSizeWarningLimit: 6000,
    rolldownOptions: {
      input: "src/graphiql/graphiql.ts",
      onwarn: (warning, warn) => {
        if (warning.code !== "MODULE_LEVEL_DIRECTIVE") warn(warning); // "use no memo" is for the React compiler
      },
      output: {
        // Else it stands in the entry, and others import the entry by the name that it may no longer have.
        codeSplitting: { groups: [{ name: "preload", test: /preload-helper/ }] },
        entryFileNames: "graphiql.js",
        chunkFileNames: "[name]-[hash].js",
        assetFileNames: ({ names: [name] }) =>
          name?.endsWith(".css") ? "graphiql.css" : "[name]-[hash][extname]",
      },
    },
  },
});

import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { compress } from "./compress.ts";
import { fonts } from "./fonts.ts";

/** GraphiQL. Its files find each other by relative addresses, so that they work under any STATIC_URL. */
export default defineConfig({
  root: "graphiql",
  base: "./",
  publicDir: false,
  plugins: [react(), fonts(), compress("dist/graphiql")],
  worker: { format: "es" },
  build: {
    outDir: "../dist/graphiql",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    cssCodeSplit: false, // GraphiQL overrides the editor, so the order counts
    chunkSizeWarningLimit: 6000,
    rolldownOptions: {
      onwarn: (warning, warn) => {
        if (warning.code !== "MODULE_LEVEL_DIRECTIVE") warn(warning); // "use no memo" is for the React compiler
      },
    },
  },
});

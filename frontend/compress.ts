import { readdir, readFile, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { brotliCompress, gzip } from "node:zlib";
import type { Plugin } from "vite";

/** Writes a compressed copy beside each text, which WhiteNoise serves to those who can read it. */
export const compress = (directory: string): Plugin => ({
  name: "compress",
  apply: "build",
  async closeBundle() {
    const names = await readdir(directory, { recursive: true });
    for (const name of names.filter((name) => /\.(?:js|css|svg|ttf)$/.test(name))) {
      const content = await readFile(`${directory}/${name}`);
      await writeFile(`${directory}/${name}.gz`, await promisify(gzip)(content, { level: 9 }));
      await writeFile(`${directory}/${name}.br`, await promisify(brotliCompress)(content));
    }
  },
});

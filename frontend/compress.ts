import { readdir, readFile, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { brotliCompress, gzip } from "node:zlib";
import type { Plugin } from "vite";

const TEXT = /\.(?:js|css|svg|ttf)$/;
const ENCODINGS = {
  gz: (content: Buffer) => promisify(gzip)(content, { level: 9 }),
  br: (content: Buffer) => promisify(brotliCompress)(content), // at its best by default
};

/** Writes compressed copies beside each text. WhiteNoise serves them to those who can read them. */
export const compress = (directory: string): Plugin => ({
  name: "compress",
  apply: "build",
  async closeBundle() {
    const names = (await readdir(directory, { recursive: true })).filter((name) => TEXT.test(name));
    const copies = names.flatMap((name) =>
      Object.entries(ENCODINGS).map(async ([extension, encode]) => {
        const content = await readFile(`${directory}/${name}`);
        const encoded = await encode(content);
        if (encoded.length < content.length) await writeFile(`${directory}/${name}.${extension}`, encoded);
      }),
    );
    await Promise.all(copies);
  },
});

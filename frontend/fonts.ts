import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import type { Plugin } from "vite";

const STYLES = "/node_modules/graphiql/dist/style.css";
/** Where the fonts lie until Vite has copied them, as seen from the style sheet: a path without spaces. */
const FOLDER = "../../.cache/fonts";

/** Turns the fonts within GraphiQL's style sheet into files: browsers load only the few that a page uses. */
export const fonts = (): Plugin => ({
  name: "fonts",
  enforce: "pre",
  apply: "build",
  async transform(code, id) {
    if (!id.endsWith(STYLES)) return null;
    const folder = `${id.slice(0, id.lastIndexOf("/"))}/${FOLDER}`;
    await mkdir(folder, { recursive: true });
    const files = new Map<string, Buffer>();
    const styles = code.replaceAll(/data:font\/(\w+);base64,([\w+/=]+)/g, (_, format, data) => {
      const content = Buffer.from(data, "base64");
      const name = `${createHash("sha256").update(content).digest("hex").slice(0, 8)}.${format}`;
      files.set(name, content);
      return `${FOLDER}/${name}`;
    });
    for (const [name, content] of files) await writeFile(`${folder}/${name}`, content);
    return styles;
  },
});

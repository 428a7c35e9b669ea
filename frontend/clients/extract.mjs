// Writes the blocks of the pages below docs/ that begin with a file's name, to be compiled and run by the tests.
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { loadFromSDL, minifyIntrospection, outputIntrospectionFile } from "@gql.tada/internal";
import { generate } from "../codegen.mjs";

const here = import.meta.dirname;
const out = `${here}/__generated__`;
await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });
for (const page of ["clients", "from-rest", "react-native", "second-factors", "oauth"]) {
  const text = await readFile(`${here}/../../docs/${page}.md`, "utf8");
  for (const [, name, code] of text.matchAll(/^```\w+\n(?:\/\/|#) (\S+)\n([^]*?)^```/gm)) {
    const url = name.endsWith(".py") ? '__import__("os").environ["GRAPHQL_URL"]' : "process.env.GRAPHQL_URL!";
    await writeFile(
      `${out}/${name}`,
      code.replace(/^.*"http:\/\/localhost:8000\/graphql"/m, (line) => line.replace(/".*"/, url)),
    );
  }
}
for (const name of ["session", "apollo"])
  await writeFile(`${out}/${name}.ts`, `export * from "../../src/${name}";\n`);

// What the two generators make of docs/clients.md's configuration, for types.test.ts.
const { default: codegen } = await import(
  `data:text/javascript,${encodeURIComponent(await readFile(`${out}/codegen.ts`, "utf8"))}`
);
const [{ config }] = Object.values(codegen.generates);
await writeFile(`${out}/graphql.ts`, await generate(config, [`${here}/sign-in.graphql`]));
const file = `${here}/../../schema/schema.graphql`;
const introspection = minifyIntrospection(await loadFromSDL({ file }).loadIntrospection());
await writeFile(`${out}/graphql-env.d.ts`, outputIntrospectionFile(introspection, { fileType: ".d.ts", shouldPreprocess: true }));

// relay-compiler wants the manifest to be there, and adds to it only what it compiles anew.
const relay = `${here}/relay/__generated__`;
await rm(relay, { recursive: true, force: true });
await mkdir(relay);
await writeFile(`${relay}/persisted.json`, "{}");

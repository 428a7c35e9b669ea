// Types and documents for src/operations/*.graphql, from the committed schema.
// The file, not introspection, which loses @oneOf. The result is git-ignored: every other script makes it anew first.
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { codegen } from "@graphql-codegen/core";
import * as typedDocumentNode from "@graphql-codegen/typed-document-node";
import * as operations from "@graphql-codegen/typescript-operations";
import { buildSchema, parse } from "graphql";

const source = `${import.meta.dirname}/src`;
const sdl = await readFile(process.argv[2] ?? `${source}/../../schema/schema.graphql`, "utf8");
const schemaAst = buildSchema(sdl);

const documents = [];
for (const name of (await readdir(`${source}/operations`)).sort()) {
  const location = `${source}/operations/${name}`;
  documents.push({ location, document: parse(await readFile(location, "utf8")) });
}

const output = await codegen({
  filename: "graphql.ts",
  schema: parse(sdl),
  schemaAst,
  documents,
  config: {
    nonOptionalTypename: true,
    skipTypeNameForRoot: true,
    useTypeImports: true,
    optimizeDocumentNode: true,
    scalars: { DateTime: "string" },
  },
  plugins: [{ operations: {} }, { typedDocumentNode: {} }],
  pluginMap: { operations, typedDocumentNode },
});
await mkdir(`${source}/__generated__`, { recursive: true });
await writeFile(`${source}/__generated__/graphql.ts`, output);

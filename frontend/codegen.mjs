// Types and documents for src/operations/*.graphql, from the committed schema.
// The file, not introspection, which loses @oneOf. The result is git-ignored: every other script makes it anew first.
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { codegen } from "@graphql-codegen/core";
import * as typedDocumentNode from "@graphql-codegen/typed-document-node";
import * as operations from "@graphql-codegen/typescript-operations";
import { buildSchema, parse } from "graphql";

const source = `${import.meta.dirname}/src`;

/** What `typescript-operations` and `typed-document-node` make of the operations in these files. */
export async function generate(config, locations, schema = `${source}/../../schema/schema.graphql`) {
  const sdl = await readFile(schema, "utf8");
  const documents = [];
  for (const location of locations)
    documents.push({ location, document: parse(await readFile(location, "utf8")) });
  return codegen({
    filename: "graphql.ts",
    schema: parse(sdl),
    schemaAst: buildSchema(sdl),
    documents,
    config,
    plugins: [{ operations: {} }, { typedDocumentNode: {} }],
    pluginMap: { operations, typedDocumentNode },
  });
}

if (process.argv[1] === import.meta.filename) {
  const names = (await readdir(`${source}/operations`)).sort();
  const config = {
    nonOptionalTypename: true,
    skipTypeNameForRoot: true,
    useTypeImports: true,
    optimizeDocumentNode: true,
    scalars: { DateTime: "string" },
  };
  const output = await generate(
    config,
    names.map((name) => `${source}/operations/${name}`),
    process.argv[2],
  );
  await mkdir(`${source}/__generated__`, { recursive: true });
  await writeFile(`${source}/__generated__/graphql.ts`, output);
}

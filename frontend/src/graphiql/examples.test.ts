// @vitest-environment node
import { readFileSync } from "node:fs";
import { buildSchema, parse, validate } from "graphql";
import { expect, test } from "vitest";
import { EXAMPLES } from "./examples";

const schema = buildSchema(readFileSync(`${import.meta.dirname}/../../../schema/schema.graphql`, "utf8"));

test.each(EXAMPLES)("$title: valid, and a mutation selects its errors", ({ query }) => {
  expect(validate(schema, parse(query))).toEqual([]);
  expect(query.includes("mutation")).toBe(query.includes("errors {"));
});

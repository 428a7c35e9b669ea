/** docs/clients.md names the versions that these tests run with. */
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";

const ROOT = `${import.meta.dirname}/../..`;

test("the table of packages matches the lock files", async () => {
  const [page, manifest, requirements] = await Promise.all(
    ["docs/clients.md", "frontend/package.json", "requirements/dev.txt"].map((name) =>
      readFile(`${ROOT}/${name}`, "utf8"),
    ),
  );
  const { dependencies, devDependencies } = JSON.parse(manifest!);
  const python = [...requirements!.matchAll(/^([\w-]+)(?:\[.*\])?==(\S+)/gm)].map(([, name, version]) => [name, version]);
  const locked = { ...Object.fromEntries(python), ...dependencies, ...devDependencies };
  const [table] = /## Packages[^]*?(?=^## )/m.exec(page!)!;
  const named = [...table.matchAll(/`([^`]+)` ([\d.]+)/g)].map(([, name, version]) => [name, version]);
  expect(named.length).toBeGreaterThan(10);
  expect(named).toEqual(named.map(([name]) => [name, locked[name!]]));
});

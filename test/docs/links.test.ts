/** What the README and the documents point to is there, in the repository and in the package. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const documents = ["README.md", "docs/architecture.md", "docs/clients.md"];
const read = (file: string): string => readFileSync(join(root, file), "utf8");

/** As GitHub and npm make it of a heading. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, "")
    .replaceAll(" ", "-");

function linksOf(file: string): readonly { readonly target: string; readonly anchor: string }[] {
  const targets = [...read(file).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
  return targets
    .filter((target) => !/^https?:/.test(target))
    .map((target) => {
      const [path = "", anchor = ""] = target.split("#");
      return { target: path === "" ? file : relative(root, join(root, dirname(file), path)), anchor };
    });
}

function anchorsOf(file: string): readonly string[] {
  return [...read(file).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => anchorOf(heading));
}

test.each(documents)("every relative link of %s leads somewhere", (file) => {
  const links = linksOf(file);
  expect(links.length).toBeGreaterThan(0);
  const broken = links.filter(
    ({ target, anchor }) =>
      !existsSync(join(root, target)) || (anchor !== "" && !anchorsOf(target).includes(anchor)),
  );
  expect(broken).toEqual([]);
});

test("the documents are linked from the README and are in the package", () => {
  const linked = linksOf("README.md").map(({ target }) => target);
  expect(linked).toEqual(expect.arrayContaining(documents.slice(1)));
  const { files } = JSON.parse(read("package.json")) as { files: readonly string[] };
  expect(files).toContain("docs");
});

test("every source that a document names is there", () => {
  const named = documents.flatMap((file) =>
    [...read(file).matchAll(/`((?:src|sandbox|test|docs|demo)\/[\w./-]*)`/g)].map(([, path = ""]) => path),
  );
  expect(named.length).toBeGreaterThan(40);
  expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
});

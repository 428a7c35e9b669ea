import { beforeEach, expect, test, vi } from "vitest";
import { lazily, preload } from "./lazily";
import { heading, press, render } from "./testing";

const reload = vi.fn();
const answer = (script: string) => vi.stubGlobal("fetch", async () => new Response(`<script src="${script}">`));
const Part = () => <h1>Here</h1>;

beforeEach(() => {
  sessionStorage.clear();
  reload.mockReset();
  vi.spyOn(window.location, "reload").mockImplementation(reload);
});

/** What the page shows for a part whose file is gone. */
async function showMissing() {
  const Missing = lazily<object>(async () => Promise.reject(new TypeError("Failed to fetch")));
  await render(<Missing />);
  await vi.waitFor(() => expect(reload.mock.calls.length || document.querySelector("h1")).toBeTruthy());
}

test("a part shows as soon as it has loaded", async () => {
  const Lazy = lazily(async () => ({ default: Part }));
  await render(<Lazy />);
  expect(heading()).toBe("Here");
});

test("a part that was loaded before it is shown is not loaded again", async () => {
  const load = vi.fn(async () => ({ default: Part }));
  const Lazy = lazily(load);
  preload();
  await vi.waitFor(() => expect(load).toHaveBeenCalled());
  await render(<Lazy />);
  expect(heading()).toBe("Here");
  expect(load).toHaveBeenCalledTimes(1);
});

test("a page of a former build reloads, once", async () => {
  answer("index-2.js");
  await showMissing();
  expect(reload).toHaveBeenCalledTimes(1);
  expect(document.querySelector("h1")).toBeNull();

  reload.mockReset();
  await showMissing();
  expect(reload).not.toHaveBeenCalled();
  expect(heading()).toBe("This page cannot be loaded");
});

test("after a part has loaded, the page of the next former build reloads too", async () => {
  answer("index-2.js");
  await showMissing();
  const Lazy = lazily(async () => ({ default: Part }));
  await render(<Lazy />);
  await showMissing();
  expect(reload).toHaveBeenCalledTimes(2);
});

test("a part that only loads ahead, beside a missing one, lets no page reload again and again", async () => {
  answer("index-2.js");
  await showMissing();
  const load = vi.fn(async () => ({ default: Part }));
  lazily(load);
  preload();
  await vi.waitFor(() => expect(load).toHaveBeenCalled());

  reload.mockReset();
  await showMissing();
  expect(reload).not.toHaveBeenCalled();
  expect(heading()).toBe("This page cannot be loaded");
});

test.each([
  ["the same build", () => answer("lazily.tsx")],
  ["an error", () => vi.stubGlobal("fetch", async () => new Response("", { status: 502 }))],
  ["nothing", () => vi.stubGlobal("fetch", async () => Promise.reject(new TypeError("Failed to fetch")))],
])("without its part the page says so, and does not reload, if the service has %s", async (_, arrange) => {
  arrange();
  await showMissing();
  expect(heading()).toBe("This page cannot be loaded");
  expect(reload).not.toHaveBeenCalled();
  await press("Try again");
  expect(reload).toHaveBeenCalledTimes(1);
});

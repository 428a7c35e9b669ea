import { act, StrictMode } from "react";
import { beforeEach, expect, test, vi } from "vitest";
import { MailedAction } from "./mailed-link";
import { failure, heading, press, render } from "./testing";

const send = vi.fn();

beforeEach(() => {
  sessionStorage.clear();
  send.mockReset().mockResolvedValue([]);
});

function open(address: string) {
  history.replaceState(null, "", address);
  return render(
    <StrictMode>
      <MailedAction
        title="Keep it?"
        label="Keep"
        send={send}
        done={{ title: "Kept", text: <p>For good.</p> }}
        next={<p>Ask again.</p>}
      >
        <p>It stays.</p>
      </MailedAction>
    </StrictMode>,
  );
}
const page = () => document.querySelector("main")!.textContent;

test("opening the page sends nothing, however often, and says what the press does (S72)", async () => {
  await open("/keep#token=abc");
  document.body.replaceChildren();
  await open("/keep#token=abc");
  expect(heading()).toBe("Keep it?");
  expect(page()).toContain("It stays.");
  expect(send).not.toHaveBeenCalled();
});

test("the token leaves the address, and survives a reload", async () => {
  await open("/keep#token=abc");
  expect(location.href).not.toContain("abc");
  document.body.replaceChildren();
  await open("/keep");
  await press("Keep");
  expect(send.mock.calls).toEqual([["abc"]]);
  expect(heading()).toBe("Kept");
});

test("the token is for this page only", async () => {
  sessionStorage.setItem("mailed-link", JSON.stringify({ path: "/other", token: "abc" }));
  await open("/keep");
  expect(heading()).toBe("This link is not complete");
  expect(page()).toContain("Ask again.");
});

test("another link that opens the same page replaces the first, even after its success", async () => {
  await open("/keep#token=abc");
  await press("Keep");
  expect(heading()).toBe("Kept");
  await act(async () => {
    history.replaceState(null, "", "#token=def");
    window.dispatchEvent(new Event("hashchange"));
  });
  expect(location.href).not.toContain("def");
  await press("Keep");
  expect(send.mock.calls).toEqual([["abc"], ["def"]]);
});

test.each([
  ["INVALID_CODE", "This link does not work"],
  ["EXPIRED_CODE", "This link no longer works"],
])("%s says what to do next", async (code, title) => {
  send.mockResolvedValue([failure(code)]);
  await open("/keep#token=abc");
  await press("Keep");
  expect(heading()).toBe(title);
  expect(document.activeElement).toBe(document.querySelector("h1"));
  expect(page()).toContain("Ask again.");
  expect(document.querySelector("form")).toBeNull();
});

test("any other failure shows above the button, which stays", async () => {
  send.mockResolvedValueOnce([{ ...failure("RATE_LIMITED", "Too many attempts."), retryAfter: 60 }]);
  await open("/keep#token=abc");
  await press("Keep");
  expect(page()).toContain("Too many attempts.");
  expect(document.querySelector("[role=timer]")!.textContent).toContain("Try again in");
  expect(document.querySelector("button")!.getAttribute("aria-disabled")).toBe("true");
});

import { encode } from "uqr";
import { expect, test } from "vitest";
import QrCode from "./qr-code";
import { render } from "./testing";

test("the drawing has the dark squares of the text's QR code, within a light border", async () => {
  const text = "otpauth://totp/Latchkey:ada%40example.com?secret=GEZDGNBVGY3TQOJQ&issuer=Latchkey";
  await render(<QrCode text={text} />);
  const svg = document.querySelector("svg")!;
  const size = Number(svg.getAttribute("viewBox")!.split(" ")[2]);
  const squares = [...svg.querySelector("path")!.getAttribute("d")!.matchAll(/M(\d+) (\d+)h1v1h-1z/g)];
  const drawn = Array.from({ length: size }, () => Array<boolean>(size).fill(false));
  for (const [, x, y] of squares) drawn[Number(y)]![Number(x)] = true;
  expect(drawn).toEqual(encode(text, { ecc: "M", border: 4 }).data);
  expect(drawn.slice(0, 4).flat().some(Boolean)).toBe(false);
  expect(svg.getAttribute("aria-label")).toBe("QR code for the app");
});

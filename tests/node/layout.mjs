// Chromium (argv[2]) lays out the pages of a JSON file (argv[3]): [{html, width, picture: path or null}, ...]. Prints what
// a reader would see: whether the page scrolls sideways, where text begins, the order of what must stay left-to-right, and
// in the light and the dark scheme how bright the mail is and how well its text stands out.
import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";

const browser = await chromium.launch({ executablePath: process.argv[2], args: ["--no-sandbox", "--disable-gpu"] });
const page = await browser.newPage();
const found = [];
for (const { html, width, picture } of JSON.parse(readFileSync(process.argv[3], "utf8"))) {
  await page.setViewportSize({ width, height: 900 });
  await page.setContent(html);
  const measured = await page.evaluate(measure);
  for (const colorScheme of ["dark", "light"]) {
    await page.emulateMedia({ colorScheme });
    measured[colorScheme] = await page.evaluate(look);
  }
  found.push(measured);
  if (picture) await page.screenshot({ path: picture, fullPage: true });
}
console.log(JSON.stringify(found));
await browser.close();

// In the page.
function measure() {
  const rectangles = (node) => {
    const range = document.createRange();
    range.selectNodeContents(node);
    return [...range.getClientRects()];
  };
  const textOf = (element) => {
    const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) if (walker.currentNode.data.trim()) return walker.currentNode;
    return null;
  };
  const character = (text, offset) => {
    const range = document.createRange();
    range.setStart(text, offset);
    range.setEnd(text, offset + 1);
    return range.getBoundingClientRect();
  };
  const blocks = [...document.querySelectorAll("h1, p")].filter((block) => block.textContent.trim());
  return {
    scrolls: document.documentElement.scrollWidth > document.documentElement.clientWidth,
    // How far the widest line of each paragraph begins from the right edge of its box, and from the left one.
    starts: blocks.map((block) => {
      const box = block.getBoundingClientRect();
      const lines = rectangles(block);
      return {
        right: Math.round(box.right - Math.max(...lines.map((line) => line.right))),
        left: Math.round(Math.min(...lines.map((line) => line.left)) - box.left),
      };
    }),
    // Whether each code, address and name in Latin letters reads from left to right.
    latin: [...document.querySelectorAll(".code, .link, bdi")].filter((e) => /^\s*\w\w/.test(e.textContent)).map((element) => {
      const text = textOf(element);
      const begin = text.data.search(/\S/);
      return { text: text.data.trim(), inOrder: character(text, begin).left < character(text, begin + 1).left };
    }),
  };
}

// In the page: luminance of the mail, and the least contrast of a text with what is behind it (WCAG 2.2).
function look() {
  const channels = (color) => color.match(/[\d.]+/g).map(Number);
  const luminance = (color) => {
    const [r, g, b] = channels(color).map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    const color = getComputedStyle(element).backgroundColor;
    return (channels(color)[3] ?? 1) ? color : behind(element.parentElement);
  };
  const texts = [...document.querySelectorAll("h1, p, a, .code")].filter((element) => element.textContent.trim());
  const contrasts = texts.map((element) => {
    const pair = [luminance(getComputedStyle(element).color), luminance(behind(element))];
    return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
  });
  return { card: luminance(behind(document.querySelector(".card"))), contrast: Math.min(...contrasts) };
}

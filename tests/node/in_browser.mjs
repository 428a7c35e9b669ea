// Chromium (argv[2]) for a test: for each line of stdin, open pages, call a function on each in turn, and answer with what
// they returned and what went over the wire. A line is [{page: url, name: exported by page.mjs, options: {...}}, ...].
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const browser = await chromium.launch({
  executablePath: process.argv[2],
  // No sandbox: root may have none. No calls home.
  args: [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
  ],
});
for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await run(JSON.parse(line))));
}
await browser.close();

async function run(calls) {
  // One context: its pages share a cookie jar, as tabs do. The next line gets a new one.
  const context = await browser.newContext();
  const results = [];
  for (const { page: url, name, options } of calls) {
    const page = await context.newPage();
    const { wire, settled } = await listen(context, page);
    await page.goto(url);
    const result = await page.evaluate(call, [name, options]);
    await settled();
    results.push({ value: null, error: null, ...result, requests: [...wire.values()] });
    await page.close();
  }
  await context.close();
  return results;
}

// In the page.
async function call([name, options]) {
  const { [name]: call } = await import("/page.js");
  try {
    return { value: await call(options) };
  } catch (error) {
    return { error: `${error.name}: ${error.message}` };
  }
}

// What the page sends, the renderer reports: in order, once the page's session has answered (`settled`). Preflights are the
// network service's own, and its reports go another way: they may arrive after the page has seen the outcome. So each
// preflight, and each answer to one, is held until it is noted.
async function listen(context, page) {
  const wire = new Map();
  const session = await context.newCDPSession(page);
  session.on("Network.requestWillBeSent", ({ requestId, request: { method, url, postData = null } }) => {
    if (method === "OPTIONS" || !new URL(url).pathname.startsWith("/graphql")) return;
    wire.set(requestId, { method, url, body: postData, status: null, failure: null });
  });
  session.on("Network.responseReceived", ({ requestId, response }) => {
    if (wire.has(requestId)) wire.get(requestId).status = response.status;
  });
  session.on("Network.loadingFailed", ({ requestId, errorText, corsErrorStatus }) => {
    if (wire.has(requestId)) wire.get(requestId).failure = corsErrorStatus?.corsError ?? errorText;
  });
  session.on("Fetch.requestPaused", ({ requestId, networkId, request: { method, url }, ...answer }) => {
    const { responseStatusCode: status = null, responseErrorReason: failure = null } = answer;
    if (method === "OPTIONS") wire.set(`preflight ${networkId}`, { method, url, body: null, status, failure });
    // Refused only when the page is gone.
    session.send("Fetch.continueRequest", { requestId }).catch(() => {});
  });
  await session.send("Network.enable");
  const urlPattern = "*/graphql*";
  await session.send("Fetch.enable", {
    patterns: ["Request", "Response"].map((requestStage) => ({ urlPattern, requestStage })),
  });
  const settled = () => session.send("Runtime.evaluate", { expression: "0" });
  return { wire, settled };
}

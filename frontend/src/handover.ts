/** Hands a provider's answer from the window that it opened in to the page that asked.
 *
 *  The page keeps everything else: what the user asked for, and the flow, without which a code is worth nothing. */
const CHANNEL = "provider";
const TAKEN_WITHIN = 1000; // ms

interface Answer {
  state: string;
  code: string | null;
}

/** Resolves to the code for this state, or null if the user refused. */
export function answerFor(state: string, signal: AbortSignal): Promise<string | null> {
  return new Promise((resolve) => {
    const channel = new BroadcastChannel(CHANNEL);
    signal.addEventListener("abort", () => (channel.close(), resolve(null)));
    channel.addEventListener("message", ({ data }: MessageEvent<Answer | string>) => {
      // Ignores foreign codes: anybody can craft a URL of the callback page.
      if (typeof data === "string" || data.state !== state) return;
      channel.postMessage(state);
      channel.close();
      resolve(data.code);
    });
  });
}

/** Resolves to true if a page has taken the answer. */
export function handOver(answer: Answer): Promise<boolean> {
  return new Promise((resolve) => {
    const channel = new BroadcastChannel(CHANNEL);
    const finish = (taken: boolean) => (channel.close(), resolve(taken));
    channel.addEventListener("message", ({ data }) => data === answer.state && finish(true));
    channel.postMessage(answer);
    setTimeout(() => finish(false), TAKEN_WITHIN);
  });
}

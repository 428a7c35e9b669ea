/** Parts of the app that are not needed for its first view. */
import { useEffect, useState, type ComponentType } from "react";
import { BASE } from "./base";
import { Page } from "./page";

/** This script's name, which has a hash of the build: the service's page names that of the newest. */
const RUNNING = new URL(import.meta.url).pathname.split("/").at(-1)!;
const RELOADED = "reloaded";
const loads: (() => Promise<void>)[] = [];

/** A component that loads when it is first shown, or by `preload`. Not `React.lazy`, which keeps a page blank for 300 ms.
 *  `Missing` shows if it cannot be loaded. */
export function lazily<P extends object>(
  load: () => Promise<{ default: ComponentType<P> }>,
  Missing: ComponentType = Unavailable,
): ComponentType<P> {
  let Part: ComponentType<P> | null = null;
  const ready = async () => {
    Part ??= (await load()).default;
  };
  loads.push(ready);
  return function Lazily(props: P) {
    const [state, setState] = useState<"loading" | "ready" | "failed">("loading");
    useEffect(() => {
      ready().then(
        () => {
          sessionStorage.removeItem(RELOADED);
          setState("ready");
        },
        async () => (await reload()) || setState("failed"),
      );
    }, []);
    if (Part) return <Part {...props} />;
    return state === "failed" ? <Missing /> : null;
  };
}

/** Loads all parts, so that no page has to wait for its own, or misses it after a deployment. */
export function preload(): void {
  for (const load of loads) load().catch(() => {}); // the page that needs it tries again, and tells
}

/** Reloads the page if the service has another build, which may lack this one's files. Only once, until a part shows. */
async function reload(): Promise<boolean> {
  if (sessionStorage.getItem(RELOADED)) return false;
  try {
    const response = await fetch(`${BASE}/`, { cache: "no-store" });
    if (!response.ok || (await response.text()).includes(RUNNING)) return false;
  } catch {
    return false;
  }
  sessionStorage.setItem(RELOADED, "true");
  window.location.reload();
  return true;
}

function Unavailable() {
  return (
    <Page title="This page cannot be loaded" narrow>
      <p>Check your connection, then try again.</p>
      <button type="button" onClick={() => window.location.reload()}>
        Try again
      </button>
    </Page>
  );
}

/** For a part of a page. */
export function PartUnavailable() {
  return <p className="problem">This part of the page cannot be loaded. Check your connection, then reload the page.</p>;
}

/** The address bar as state. Paths are relative to the service's prefix. */
import { useSyncExternalStore, type ComponentProps } from "react";
import { BASE } from "./base";

const NAVIGATED = "navigated";

function subscribe(listener: () => void): () => void {
  window.addEventListener("popstate", listener);
  window.addEventListener(NAVIGATED, listener);
  return () => {
    window.removeEventListener("popstate", listener);
    window.removeEventListener(NAVIGATED, listener);
  };
}

export function usePath(): string {
  return useSyncExternalStore(subscribe, () => window.location.pathname.slice(BASE.length) || "/");
}

export function navigate(path: string, { replace = false } = {}): void {
  window.history[replace ? "replaceState" : "pushState"](null, "", BASE + path);
  window.dispatchEvent(new Event(NAVIGATED));
}

export function Link({ href, ...rest }: ComponentProps<"a"> & { href: string }) {
  return (
    <a
      href={BASE + href}
      aria-current={usePath() === href ? "page" : undefined}
      onClick={(event) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
        event.preventDefault();
        navigate(href);
      }}
      {...rest}
    />
  );
}

/** What this tab remembers over a reload, such as while a phone shows the mail. Other tabs and later visits do not see it. */
interface Kept<T> {
  value: T;
  until: number;
}

/** Remembers the value for so many seconds. */
export function keep<T>(key: string, value: T, seconds: number): void {
  sessionStorage.setItem(key, JSON.stringify({ value, until: Date.now() + seconds * 1000 } satisfies Kept<T>));
}

/** The value, unless its time is over. */
export function recall<T>(key: string): T | null {
  const kept = JSON.parse(sessionStorage.getItem(key) ?? "null") as Kept<T> | null;
  if (kept && kept.until > Date.now()) return kept.value;
  sessionStorage.removeItem(key);
  return null;
}

export const discard = (key: string) => sessionStorage.removeItem(key);

/** The time to wait after too many attempts. */
import { useEffect, useState } from "react";

export interface Waiting {
  /** Seconds left; 0 if there is nothing to wait for. */
  seconds: number;
  /** The whole time in seconds, for the announcement. */
  total: number;
  /** True once the time has passed, until the next attempt. */
  over: boolean;
}
const NOTHING = { until: 0, total: 0 };

export function useWait() {
  const [{ until, total }, setEnd] = useState(NOTHING);
  const [now, setNow] = useState(0);
  const seconds = until > now ? Math.ceil((until - now) / 1000) : 0;
  const waits = seconds > 0;

  useEffect(() => {
    if (!waits) return;
    const timer = setInterval(() => setNow(Date.now()), 250);
    return () => clearInterval(timer);
  }, [waits, until]);

  return {
    waiting: { seconds, total, over: total > 0 && !waits } satisfies Waiting,
    wait(total: number) {
      const start = Date.now();
      setNow(start);
      setEnd({ until: start + total * 1000, total });
    },
    forget: () => setEnd(NOTHING),
  };
}

const UNITS = [
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
] as const;

/** Such as "1 minute 5 seconds": the largest unit and the next one. */
export function duration(seconds: number): string {
  const largest = UNITS.findIndex(([, size]) => seconds >= size);
  return UNITS.slice(largest, largest + 2)
    .map(([unit, size], place) => {
      const count = Math.floor((place === 0 ? seconds : seconds % UNITS[largest]![1]) / size);
      return count > 0 ? `${count} ${unit}${count === 1 ? "" : "s"}` : "";
    })
    .filter(Boolean)
    .join(" ");
}

/** Counts down for the eyes. Screen readers hear the time once, and once more when it has passed. */
export function Countdown({ seconds, total, over }: Waiting) {
  return (
    <>
      {seconds > 0 && (
        <p role="timer" className="hint countdown">
          Try again in {duration(seconds)}.
        </p>
      )}
      <div role="status" className={over ? undefined : "unseen"}>
        {total > 0 && (
          <p className="notice">
            {over ? "You can try again now." : `You can try again in ${duration(total)}.`}
          </p>
        )}
      </div>
    </>
  );
}

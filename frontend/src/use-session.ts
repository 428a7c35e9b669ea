import { createContext, use, useSyncExternalStore } from "react";
import type { Session } from "./session";

export const SessionContext = createContext<Session | null>(null);

export function useSession(): Session {
  const session = use(SessionContext);
  if (!session) throw new Error("SessionContext is missing.");
  return session;
}

/** The signed-in user, or null. */
export function usePerson(): string | null {
  const { subscribe, person } = useSession();
  return useSyncExternalStore(subscribe, person);
}

export const useIsActive = () => usePerson() !== null;

/** Asks the server whether the session of this browser still lives: another change may have ended it. */
export function useRecheck(): () => Promise<void> {
  const session = useSession();
  return async () => {
    if (session.isActive()) await session.renew(session.current()).catch(() => {});
  };
}

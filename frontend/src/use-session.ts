import { createContext, use, useSyncExternalStore } from "react";
import type { Session } from "./session";

export const SessionContext = createContext<Session | null>(null);

export function useSession(): Session {
  const session = use(SessionContext);
  if (!session) throw new Error("There is no SessionContext.");
  return session;
}

export function useIsActive(): boolean {
  const { subscribe, isActive } = useSession();
  return useSyncExternalStore(subscribe, isActive);
}

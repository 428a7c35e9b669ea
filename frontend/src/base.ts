/** The service's path prefix (its SCRIPT_NAME), read from this script's address. Usually empty. */
const { pathname } = new URL(import.meta.url);
export const BASE = pathname.includes("/static/app/") ? pathname.split("/static/app/")[0]! : "";

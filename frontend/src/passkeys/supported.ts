/** Whether this browser has passkeys at this address, and reads and writes them as JSON. Others have the other ways to
 *  sign in. Passkeys belong to a domain, so there are none at an IP address. */
export const isSupported = () =>
  typeof PublicKeyCredential === "function" &&
  "parseRequestOptionsFromJSON" in PublicKeyCredential &&
  !/^[\d.]+$|:/.test(window.location.hostname);

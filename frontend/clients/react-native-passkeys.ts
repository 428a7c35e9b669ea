/** The part of react-native-passkeys that docs/second-factors.md uses, with passkeys in memory: the real one runs on a phone only. */
import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from "node:crypto";

/** The certificate that signs the app, and the origin that Android makes of it. */
export const FINGERPRINT = createHash("sha256").update("a certificate").digest();
const ORIGIN = `android:apk-key-hash:${FINGERPRINT.toString("base64url")}`;

interface Known {
  id: Buffer;
  key: KeyObject;
  userHandle: string;
}
const passkeys: Known[] = [];
let cancels = false;

/** The user closes the sheet, the next time. */
export const cancelOnce = () => void (cancels = true);

const sha256 = (data: Buffer | string) => createHash("sha256").update(data).digest();
const clientData = (type: string, challenge: string) =>
  Buffer.from(JSON.stringify({ type, challenge, origin: ORIGIN, androidPackageName: "com.example.app" }));
/** Present, verified and synced, without a counter. */
const data = (rpId: string, ...rest: Buffer[]) =>
  Buffer.concat([sha256(rpId), Buffer.from([rest.length ? 0x5d : 0x1d]), Buffer.alloc(4), ...rest]);
function sheet() {
  const cancelled = cancels;
  cancels = false;
  if (cancelled) throw new Error("UserCancelled");
}

export async function create(options: {
  rp: { id: string };
  user: { id: string };
  challenge: string;
}): Promise<object | null> {
  sheet();
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const id = randomBytes(32);
  const { x, y } = publicKey.export({ format: "jwk" }) as { x: string; y: string };
  const cose = Buffer.concat([
    Buffer.from("a5010203262001215820", "hex"),
    Buffer.from(x, "base64url"),
    Buffer.from("225820", "hex"),
    Buffer.from(y, "base64url"),
  ]);
  const attested = data(options.rp.id, Buffer.alloc(16), Buffer.from([0, id.length]), id, cose);
  passkeys.push({ id, key: privateKey, userHandle: options.user.id });
  const attestationObject = Buffer.concat([
    Buffer.from("a363666d74646e6f6e656761747453746d74a068617574684461746158", "hex"),
    Buffer.from([attested.length]),
    attested,
  ]);
  return {
    id: id.toString("base64url"),
    rawId: id.toString("base64url"),
    type: "public-key",
    authenticatorAttachment: "platform",
    clientExtensionResults: {},
    response: {
      clientDataJSON: clientData("webauthn.create", options.challenge).toString("base64url"),
      attestationObject: attestationObject.toString("base64url"),
      transports: ["internal", "hybrid"],
    },
  };
}

export async function get(options: { rpId: string; challenge: string }): Promise<object | null> {
  sheet();
  const { id, key, userHandle } = passkeys.at(-1)!;
  const shown = data(options.rpId);
  const told = clientData("webauthn.get", options.challenge);
  return {
    id: id.toString("base64url"),
    rawId: id.toString("base64url"),
    type: "public-key",
    authenticatorAttachment: "platform",
    clientExtensionResults: {},
    response: {
      clientDataJSON: told.toString("base64url"),
      authenticatorData: shown.toString("base64url"),
      signature: sign("sha256", Buffer.concat([shown, sha256(told)]), key).toString("base64url"),
      userHandle,
    },
  };
}

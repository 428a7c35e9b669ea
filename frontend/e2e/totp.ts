/** An authenticator app (RFC 6238): SHA-1, six digits, 30 seconds. */
import { createHmac } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { PASSWORD, type Service } from "./service";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const PERIOD = 30_000; // ms

const stepNow = () => Math.floor(Date.now() / PERIOD);

/** The bytes of a Base32 text. */
function decode(secret: string): Buffer {
  const bits = [...secret].map((letter) => ALPHABET.indexOf(letter).toString(2).padStart(5, "0")).join("");
  return Buffer.from(bits.match(/.{8}/g)!.map((byte) => Number.parseInt(byte, 2)));
}

function codeOf(secret: string, step: number): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const digest = createHmac("sha1", decode(secret)).update(counter).digest();
  const number = digest.readUInt32BE(digest.at(-1)! & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, "0");
}

export interface App {
  /** A code that the service has not seen yet. It accepts the one before, the current and the next one, each once. */
  code(): Promise<string>;
  /** The last code again. */
  last(): string;
  /** A code that is none of those that the service would accept. */
  wrong(): string;
}

/** The app that has this key. */
export function app(secret: string): App {
  let used = stepNow() - 2;
  return {
    async code() {
      // The oldest that counts for ten seconds more, unless it or a later one was used.
      used = Math.max(used + 1, Math.floor((Date.now() + 10_000) / PERIOD) - 1);
      for (; used > stepNow() + 1; await setTimeout(500));
      return codeOf(secret, used);
    },
    last: () => codeOf(secret, used),
    wrong: () => {
      const good = [-2, -1, 0, 1, 2].map((offset) => codeOf(secret, stepNow() + offset));
      return ["000000", "111111", "222222", "333333", "444444", "555555"].find((code) => !good.includes(code))!;
    },
  };
}

/** Sets an app up for this account, as its holder would. Resolves to the app and the recovery codes. */
export async function setUpApp(service: Service, username: string): Promise<[App, string[]]> {
  await service.verify(username);
  async function send(field: string, input: object, payload: string, headers = {}) {
    const type = `${field[0]!.toUpperCase()}${field.slice(1)}Input`;
    const query = `mutation ($input: ${type}!) { ${field}(input: $input) { ${payload} errors { code } } }`;
    const answer = await (await service.post(query, { input }, headers)).json();
    if (answer.data?.[field].errors.length !== 0) throw new Error(JSON.stringify(answer));
    return answer.data[field];
  }
  const input = { email: `${username}@example.com`, password: PASSWORD };
  const { tokens } = await send("tokenAuth", input, "tokens { accessToken }");
  const headers = { authorization: `Bearer ${tokens.accessToken}` };
  const { enrollment } = await send("createTotpEnrollment", {}, "enrollment { token secret }", headers);
  const own = app(enrollment.secret);
  const confirmation = { challengeToken: enrollment.token, code: await own.code() };
  const { recoveryCodes } = await send("confirmTotpEnrollment", confirmation, "recoveryCodes", headers);
  return [own, recoveryCodes];
}

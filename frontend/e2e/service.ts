/** The real service in a process of its own, on the database server that DATABASE_URL names. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";

const ROOT = `${import.meta.dirname}/../..`;
export const PASSWORD = "correct horse battery staple";

interface Known {
  clientId: string;
  accessToken: string;
}
export interface Mail {
  subject: string;
  /** The link to this page of the front end, with its token. */
  link: string;
  /** The code to type, if the mail has one. */
  code: string;
}
export interface Service {
  url: string;
  google: Known;
  facebook: Known;
  /** Post an operation as a client that is no browser. */
  post(query: string, variables?: object, headers?: Record<string, string>): Promise<Response>;
  /** Make an account. */
  register(username: string): Promise<void>;
  /** As if the account had shown that its address is its own. */
  verify(username: string): Promise<void>;
  /** As if the account's holder had signed in an hour ago, in all sessions, and shown the second factor then. */
  age(username: string): Promise<void>;
  /** The newest mail to this address with a link to this path, or with a code alone, once there are so many of them. */
  mail(address: string, path?: string, count?: number): Promise<Mail>;
  /** Let providers return to this origin's /callback. */
  allowCallback(): Promise<void>;
  googleToken(person: object): Promise<string>;
  facebookToken(person: object): Promise<string>;
  /** What Corp sends back to the redirect URI when this person agrees. */
  authorize(url: string, person: object): Promise<Record<string, string>>;
  /** Run manage.py against the service's database. */
  manage(...words: string[]): Promise<string>;
  stop(): Promise<void>;
}

const REGISTER = `mutation ($input: RegisterInput!) { register(input: $input) { errors { code field message } } }`;

export async function startService(settings: Record<string, string> = {}): Promise<Service> {
  const fast = { ARGON2_MEMORY_COST: "8", ARGON2_TIME_COST: "1" };
  const server = spawn(
    `${ROOT}/.venv/bin/python`,
    [`${ROOT}/frontend/e2e/service.py`, JSON.stringify({ ...fast, ...settings })],
    {
      cwd: ROOT,
      env: {
        DATABASE_URL: "postgres://postgres@127.0.0.1:5432/postgres",
        ...process.env,
        PYTHONPATH: [ROOT, process.env.PYTHONPATH].filter(Boolean).join(":"),
      },
      stdio: ["pipe", "pipe", "inherit"],
    },
  );
  const lines = createInterface(server.stdout);
  const exit = once(server, "exit");
  const answer = () =>
    Promise.race([
      once(lines, "line") as Promise<[string]>,
      exit.then(() => Promise.reject(new Error("The service is gone."))),
    ]);
  const [line] = await answer();
  const known: Pick<Service, "url" | "google" | "facebook"> = JSON.parse(line);
  const post: Service["post"] = (query, variables = {}, headers = {}) =>
    fetch(`${known.url}/graphql`, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...headers },
      body: JSON.stringify({ query, variables }),
    });
  /** One at a time. */
  async function command<T>(...words: [name: string, ...rest: unknown[]]): Promise<T> {
    server.stdin.write(`${JSON.stringify(words)}\n`);
    return JSON.parse((await answer())[0]);
  }
  async function mail(address: string, path = "", count = 1): Promise<Mail> {
    for (const until = Date.now() + 15_000; Date.now() < until; await setTimeout(100)) {
      const mails: { subject: string; lines: string[] }[] = await command("mails", address);
      const found = mails
        .map(({ subject, lines }) => {
          const links = lines.filter((line) => line.includes("://"));
          const code = lines.find((line) => !line.includes("://")) ?? "";
          const link = links.find((url) => new URL(url).pathname === path) ?? "";
          return { subject, link, code, isIt: path ? link : links.length === 0 };
        })
        .filter(({ isIt }) => isIt);
      if (found.length >= count) return found.at(-1)!;
    }
    throw new Error(`No mail to ${address} with ${path || "a code alone"}.`);
  }
  return {
    ...known,
    mail,
    post,
    manage: (...words) => command("manage", ...words),
    googleToken: (person) => command("googleToken", person),
    facebookToken: (person) => command("facebookToken", person),
    authorize: (url, person) => command("authorize", url, person),
    allowCallback: () => command("manage", "ensure_client", "--redirect-uri", `${known.url}/callback`),
    verify: (username) =>
      command(
        "manage",
        "shell",
        "-c",
        `from accounts.models import Account; Account.objects.filter(username="${username}").update(email_verified=True)`,
      ),
    age: (username) =>
      command(
        "manage",
        "shell",
        "-c",
        "from datetime import timedelta; from django.db.models import F; from accounts.models import Session; " +
          `Session.objects.filter(account__username="${username}").update(` +
          'authenticated_at=F("authenticated_at") - timedelta(hours=1), factor_proved_at=F("factor_proved_at") - timedelta(hours=1))',
      ),
    async register(username) {
      const input = { username, email: `${username}@example.com`, firstName: username, password: PASSWORD };
      const answer = await (await post(REGISTER, { input })).json();
      if (answer.data?.register.errors.length !== 0) throw new Error(JSON.stringify(answer));
    },
    async stop() {
      server.stdin.end();
      await exit;
    },
  };
}

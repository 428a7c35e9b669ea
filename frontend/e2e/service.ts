/** The real service in a process of its own, on the database server that DATABASE_URL names. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

const ROOT = `${import.meta.dirname}/../..`;
export const PASSWORD = "correct horse battery staple";

interface Known {
  clientId: string;
  accessToken: string;
}
export interface Service {
  url: string;
  google: Known;
  facebook: Known;
  /** Post an operation as a client that is no browser. */
  post(query: string, variables?: object, headers?: Record<string, string>): Promise<Response>;
  /** Make an account. */
  register(username: string): Promise<void>;
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
  const [line] = await Promise.race([
    once(createInterface(server.stdout), "line") as Promise<[string]>,
    once(server, "exit").then(() => Promise.reject(new Error("The service did not start."))),
  ]);
  const known: Pick<Service, "url" | "google" | "facebook"> = JSON.parse(line);
  const post: Service["post"] = (query, variables = {}, headers = {}) =>
    fetch(`${known.url}/graphql`, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...headers },
      body: JSON.stringify({ query, variables }),
    });
  return {
    ...known,
    post,
    async register(username) {
      const input = { username, email: `${username}@example.com`, firstName: username, password: PASSWORD };
      const answer = await (await post(REGISTER, { input })).json();
      if (answer.data?.register.errors.length !== 0) throw new Error(JSON.stringify(answer));
    },
    async stop() {
      server.stdin.end();
      await once(server, "exit");
    },
  };
}

// A certified OpenID provider (npm: oidc-provider) for tests. Each line of stdin is a command, answered with a line:
// {"name": one of `commands`, ...}. The first has to be "start".
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { createInterface } from "node:readline";

// It speaks of itself with console.info, and stdout is ours.
console.info = console.error;
const { Provider } = await import("oidc-provider");

const server = createServer(handle);
const people = new Map();
const stored = new Map();
const cookieKey = randomUUID();
let asked = [];
let fault = null;
let keys = [];
let options;
let port;
let callback;

// In memory, and the same for each provider that `rotate` makes: its own adapter begins empty with each.
class Adapter {
  constructor(model) {
    this.prefix = `${model}:`;
  }

  async upsert(id, payload) {
    stored.set(this.prefix + id, payload);
  }

  async find(id) {
    return stored.get(this.prefix + id);
  }

  async findByUid(uid) {
    return [...stored].find(([key, payload]) => key.startsWith(this.prefix) && payload.uid === uid)?.[1];
  }

  async consume(id) {
    stored.get(this.prefix + id).consumed = Math.floor(Date.now() / 1000);
  }

  async destroy(id) {
    stored.delete(this.prefix + id);
  }

  async revokeByGrantId(grantId) {
    for (const [key, payload] of stored) if (payload.grantId === grantId) stored.delete(key);
  }
}

const commands = {
  // {clients, people: {sub: claims}}
  async start({ clients, people: known }) {
    await listen(0);
    port = server.address().port;
    options = { clients };
    commands.people({ people: known });
    return commands.rotate({});
  },
  people({ people: known }) {
    for (const [sub, claims] of Object.entries(known)) people.set(sub, claims);
    return null;
  },
  // What it has issued stays valid.
  rotate({ overlap = false }) {
    keys = [...newKeys(), ...(overlap ? keys : [])];
    callback = provider().callback();
    return { issuer: issuer(), kids: keys.map(({ kid }) => kid) };
  },
  async down() {
    const closed = new Promise((done) => server.close(done));
    server.closeAllConnections();
    await closed;
    return null;
  },
  async up() {
    if (!server.listening) await listen(port);
    return null;
  },
  // {kind: "slow" | "garbage" | null, milliseconds, endpoints: last parts of paths, none for all}
  fault({ kind, milliseconds, endpoints = [] }) {
    fault = kind ? { kind, milliseconds, endpoints } : null;
    return null;
  },
  // The requests since the last time.
  asked() {
    const since = asked;
    asked = [];
    return since;
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { name, ...rest } = JSON.parse(line);
  let answer;
  try {
    answer = { value: await commands[name](rest) };
  } catch (error) {
    answer = { error: String(error.stack) };
  }
  console.log(JSON.stringify(answer));
}
process.exit();

function issuer() {
  return `http://127.0.0.1:${port}`;
}

function listen(on) {
  return new Promise((done, fail) => {
    server.once("error", fail);
    server.listen(on, "127.0.0.1", () => {
      server.off("error", fail);
      done();
    });
  });
}

async function handle(request, response) {
  const path = request.url.split("?")[0];
  asked.push(`${request.method} ${path}`);
  if (fault && (!fault.endpoints.length || fault.endpoints.includes(path.split("/").at(-1)))) {
    if (fault.kind === "garbage") {
      response.writeHead(200, { "Content-Type": "application/json" });
      return response.end("\u0000{garbage]");
    }
    await new Promise((done) => setTimeout(done, fault.milliseconds));
  }
  return callback(request, response);
}

function newKeys() {
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return [[rsa, "RS256"], [ec, "ES256"]].map(([{ privateKey }, alg]) => ({
    ...privateKey.export({ format: "jwk" }), alg, use: "sig", kid: randomUUID(),
  }));
}

function provider() {
  const made = new Provider(issuer(), {
    adapter: Adapter,
    clients: options.clients,
    jwks: { keys },
    findAccount: (_ctx, sub) => people.has(sub) && { accountId: sub, claims: () => ({ sub, ...people.get(sub) }) },
    claims: {
      openid: ["sub"],
      email: ["email", "email_verified"],
      profile: ["given_name", "family_name", "name"],
    },
    // The person's claims are in the ID token too, as most providers have them.
    conformIdTokenClaims: false,
    features: {
      devInteractions: { enabled: true },
      introspection: { enabled: true },
      userinfo: { enabled: true },
    },
    pkce: { required: () => true },
    cookies: { keys: [cookieKey] },
    enabledJWA: { idTokenSigningAlgValues: ["RS256", "ES256"] },
    routes: { introspection: "/introspect", userinfo: "/userinfo" },
    ttl: { AccessToken: 3600, AuthorizationCode: 60, Grant: 3600, IdToken: 3600, Interaction: 600, Session: 600 },
  });
  made.on("server_error", (_ctx, error) => console.error(error));
  return made;
}

// What runs in the page: clients as their documentation sets them up.
import {
  ApolloClient, ApolloLink, CombinedGraphQLErrors, gql, HttpLink, InMemoryCache, ServerError,
} from "@apollo/client";
import { SetContextLink } from "@apollo/client/link/context";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { cacheExchange, Client, fetchExchange } from "@urql/core";

const AUTH_PAYLOAD = "tokens { accessToken refreshToken } account { email } errors { code }";
const REGISTER = `mutation ($input: RegisterInput!) { register(input: $input) { ${AUTH_PAYLOAD} } }`;
const TOKEN_AUTH = `mutation ($input: TokenAuthInput!) { tokenAuth(input: $input) { ${AUTH_PAYLOAD} } }`;
const REFRESH = `mutation { refreshToken { ${AUTH_PAYLOAD} } }`;
const ME = "query Me { me { email } }";

const session = { bearer: null };

function apollo({ endpoint, credentials = "same-origin", headers = {}, before = [] }) {
  const bearer = new SetContextLink(({ headers }) => ({
    headers: session.bearer ? { ...headers, authorization: `Bearer ${session.bearer}` } : headers,
  }));
  const http = new HttpLink({ uri: endpoint, credentials, headers });
  return new ApolloClient({ link: ApolloLink.from([...before, bearer, http]), cache: new InMemoryCache() });
}

function urql({ endpoint, credentials = "same-origin", headers = {} }) {
  return new Client({
    url: endpoint,
    exchanges: [cacheExchange, fetchExchange],
    fetchOptions: () => ({
      credentials,
      headers: session.bearer ? { ...headers, authorization: `Bearer ${session.bearer}` } : headers,
    }),
  });
}

// Both clients behind the same two verbs, which return data or throw.
function client(options) {
  if (options.client === "urql") {
    const own = urql(options);
    const settle = async (source) => {
      const { data, error } = await source.toPromise();
      if (error) throw error;
      return data;
    };
    return {
      query: (text) => settle(own.query(text, {}, { requestPolicy: "network-only" })),
      mutate: (text, variables) => settle(own.mutation(text, variables ?? {})),
    };
  }
  const own = apollo(options);
  return {
    query: async (text) => (await own.query({ query: gql(text), fetchPolicy: "network-only" })).data,
    mutate: async (text, variables) => (await own.mutate({ mutation: gql(text), variables })).data,
  };
}

// Register, then ask with the Bearer.
export async function bearer(options) {
  const { query, mutate } = client(options);
  session.bearer = (await mutate(REGISTER, { input: options.account })).register.tokens.accessToken;
  return query(ME);
}

// As a front end that keeps the refresh token in the cookie: sign in, lose the access token (a reload), refresh, go on.
const BY_COOKIE = { credentials: "include" };
const CUSTOM_HEADER = { apollo: { "Apollo-Require-Preflight": "true" }, urql: { "X-Requested-With": "urql" } };

export async function signInByCookie(options) {
  const { mutate } = client({ ...options, ...BY_COOKIE, headers: CUSTOM_HEADER[options.client] });
  const { register } = await mutate(REGISTER, { input: { ...options.account, refreshTokenTransport: "COOKIE" } });
  const { email, password } = options.account;
  const input = { email, password, refreshTokenTransport: "COOKIE" };
  const { tokenAuth } = await mutate(TOKEN_AUTH, { input });
  return { register, tokenAuth, readable: document.cookie };
}

export async function refreshByCookie(options) {
  const { query, mutate } = client({ ...options, ...BY_COOKIE, headers: CUSTOM_HEADER[options.client] });
  const { refreshToken } = await mutate(REFRESH);
  session.bearer = refreshToken.tokens?.accessToken;
  return { refreshToken, me: session.bearer ? (await query(ME)).me : null };
}

// Automatic persisted queries: the same query twice, from two clients, as from two visits.
export async function persisted({ useGETForHashedQueries, text, ...options }) {
  const sha256 = async (text) => {
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
    return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  };
  const visit = () => apollo({ ...options, before: [new PersistedQueryLink({ sha256, useGETForHashedQueries })] });
  const ask = async () => (await visit().query({ query: gql(text) })).data;
  return [await ask(), await ask()];
}

// What an application can learn of a refused Bearer.
export async function refused(options) {
  session.bearer = "stale";
  try {
    await client(options).query(ME);
  } catch (error) {
    return {
      name: error.name,
      isCombined: CombinedGraphQLErrors.is(error),
      isServerError: ServerError.is(error),
      codes: (error.errors ?? error.graphQLErrors ?? []).map(({ extensions }) => extensions?.code),
      status: error.statusCode ?? error.response?.status ?? null,
    };
  }
  return null;
}

// The headers of an answer that a script may read.
export async function readable({ endpoint, headers }) {
  const response = await fetch(endpoint, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify({ query: ME }),
  });
  return [...response.headers.keys()];
}

// What a page can send without asking first: no header of its own, a form's media type, and the browser's cookies.
export async function withoutPreflight({ endpoint, body }) {
  for (const type of ["text/plain", "application/x-www-form-urlencoded"]) {
    const headers = { "Content-Type": type };
    await fetch(endpoint, { method: "POST", mode: "no-cors", credentials: "include", headers, body: JSON.stringify(body) });
  }
  const query = new URLSearchParams(body);
  await fetch(`${endpoint}?${query}`, { mode: "no-cors", credentials: "include" });
  return true;
}

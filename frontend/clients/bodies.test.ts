/** Bodies as some clients send them: several operations at once, and a stream of unknown length. */
import { ApolloClient, ApolloLink, CombinedGraphQLErrors, gql, InMemoryCache } from "@apollo/client";
import { BatchHttpLink } from "@apollo/client/link/batch-http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startService, type Service } from "../e2e/service";

let service: Service;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service?.stop());

test("each operation of a batch gets the error that names the option to switch off", async () => {
  const link: ApolloLink = new BatchHttpLink({ uri: `${service.url}/graphql`, batchInterval: 5 });
  const client = new ApolloClient({ link, cache: new InMemoryCache() });
  const told = ["query A { me { id } }", "query B { me { email } }"].map((query) =>
    client.query({ query: gql(query) }).then(
      () => undefined,
      (error: unknown) => CombinedGraphQLErrors.is(error) && error.message,
    ),
  );
  for (const message of await Promise.all(told)) expect(message).toMatch(/Batches are not supported/);
});

test("a body without a length is read", async () => {
  const body = new ReadableStream({
    start(controller) {
      for (const part of ['{"query": ', '"{ __typename }"}'])
        controller.enqueue(new TextEncoder().encode(part));
      controller.close();
    },
  });
  const response = await fetch(`${service.url}/graphql`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body,
    duplex: "half",
  } as RequestInit);
  expect(await response.json()).toEqual({ data: { __typename: "Query" } });
});

import { graphql } from "relay-runtime";

// Compiled by relay-compiler; the tests use what it makes of these.
void graphql`
  query usersPageQuery {
    ...usersList
  }
`;

void graphql`
  fragment usersList on Query
  @argumentDefinitions(first: { type: "Int", defaultValue: 2 }, after: { type: "String" })
  @refetchable(queryName: "usersListQuery") {
    users(first: $first, after: $after) @connection(key: "usersList__users") {
      edges {
        node {
          id
          username
        }
      }
    }
  }
`;

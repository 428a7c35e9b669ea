def test_v(client, capsys):
    r=client.get("/graphql", headers={"Accept":"text/html,*/*;q=0.8"})
    with capsys.disabled(): print(r.status_code, dict(r.headers))
    for a in ("*/*","text/html"):
        r=client.get("/graphql", {"query":"{ __typename }"}, headers={"Accept":a})
        with capsys.disabled(): print(a, r.status_code, r["Content-Type"])

/// An authorization server on Authlib, https://authlib.org: somebody else's reading of RFC 6749, so that ours is not
/// only tested with our own. Its refresh tokens rotate; `GET /grant/<account>` makes one, `POST /revoke/<token>` ends
/// it.
enum AuthlibServer {
    static let program = """
        import sys, time
        from flask import Flask, jsonify, request
        from authlib.integrations.flask_oauth2 import AuthorizationServer
        from authlib.oauth2.rfc6749 import ClientMixin, TokenMixin, grants
        SHARING = "https://www.googleapis.com/auth/photoslibrary.sharing"
        tokens, count = {}, {"refreshes": 0}
        class Client(ClientMixin):
            client_id = "the-client"
            def get_client_id(self): return self.client_id
            def get_default_redirect_uri(self): return None
            def get_allowed_scope(self, scope): return scope or SHARING
            def check_redirect_uri(self, uri): return False
            def check_client_secret(self, secret): return secret == "hush"
            def check_endpoint_auth_method(self, method, endpoint): return method == "client_secret_post"
            def check_response_type(self, kind): return False
            def check_grant_type(self, kind): return kind == "refresh_token"
        class Token(TokenMixin):
            def __init__(self, account, data): self.account, self.data, self.revoked = account, data, False
            def get_client_id(self): return "the-client"
            def check_client(self, client): return client.client_id == "the-client"
            def get_scope(self): return SHARING
            def get_expires_in(self): return 3600
            def is_expired(self): return False
            def is_revoked(self): return self.revoked
        class Refresh(grants.RefreshTokenGrant):
            TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_post"]
            INCLUDE_NEW_REFRESH_TOKEN = True
            def authenticate_refresh_token(self, text):
                token = tokens.get(text)
                return token if token and not token.revoked else None
            def authenticate_user(self, token): return token.account
            def revoke_old_credential(self, token): token.revoked = True
        def save(data, request):
            count["refreshes"] += 1
            tokens[data["refresh_token"]] = Token(request.user, data)
        app = Flask("peer")
        app.config["OAUTH2_REFRESH_TOKEN_GENERATOR"] = True
        server = AuthorizationServer(app, query_client=lambda id: Client() if id == "the-client" else None, save_token=save)
        server.register_grant(Refresh)
        @app.route("/token", methods=["POST"])
        def token(): return server.create_token_response()
        @app.route("/grant/<account>")
        def grant(account):
            tokens["first-" + account] = Token(account, {})
            return jsonify(ok=True)
        @app.route("/revoke/<account>")
        def revoke(account):
            for token in tokens.values():
                if token.account == account: token.revoked = True
            return jsonify(ok=True)
        @app.route("/count")
        def refreshes(): return jsonify(count)
        app.run(port=int(sys.argv[1]), threaded=True)
        """
}

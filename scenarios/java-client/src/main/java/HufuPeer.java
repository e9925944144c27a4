import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import net.handle.hdllib.AbstractMessage;
import net.handle.hdllib.AbstractRequest;
import net.handle.hdllib.AbstractResponse;
import net.handle.hdllib.AddValueRequest;
import net.handle.hdllib.AdminRecord;
import net.handle.hdllib.AuthenticationInfo;
import net.handle.hdllib.ClientSessionTracker;
import net.handle.hdllib.Common;
import net.handle.hdllib.Configuration;
import net.handle.hdllib.CreateHandleRequest;
import net.handle.hdllib.CreateHandleResponse;
import net.handle.hdllib.DeleteHandleRequest;
import net.handle.hdllib.Encoder;
import net.handle.hdllib.GenericRequest;
import net.handle.hdllib.GetSiteInfoResponse;
import net.handle.hdllib.HandleException;
import net.handle.hdllib.HandleResolver;
import net.handle.hdllib.HandleValue;
import net.handle.hdllib.Interface;
import net.handle.hdllib.ModifyValueRequest;
import net.handle.hdllib.RemoveValueRequest;
import net.handle.hdllib.ResolutionRequest;
import net.handle.hdllib.ResolutionResponse;
import net.handle.hdllib.SecretKeyAuthenticationInfo;
import net.handle.hdllib.ServerInfo;
import net.handle.hdllib.SessionSetupInfo;
import net.handle.hdllib.SimpleConfiguration;
import net.handle.hdllib.SiteInfo;
import net.handle.hdllib.Util;

/**
 * A peer that we did not write: every step below is one use of the reference client library against
 * our node. Prints {@code ok <step>} or {@code FAIL <step>: <reason>}; exit status 1 when a step failed,
 * 2 when the arguments are wrong. Details follow a step, indented.
 */
public final class HufuPeer {
    private static final int TIMEOUT_MILLISECONDS = 15_000;

    /** Enough that the answer needs many packets of 512 octets. */
    private static final int BIG_VALUE_OCTETS = 5_000;

    /** More than one message of a listing, which holds 50 names. */
    private static final int LISTED_HANDLES = 60;

    /** Under a prefix that nobody was given. */
    private static final String ELSEWHERE = "20.TEST-ELSEWHERE/x";

    private final Map<String, List<String>> options;
    private final Set<String> without;
    private final HandleResolver resolver = new HandleResolver();
    private final String prefix;
    private final String probe;
    private final AuthenticationInfo administrator;
    private SiteInfo site;
    private int failed;

    public static void main(String[] arguments) throws Exception {
        Map<String, List<String>> options = new HashMap<>();
        for (int i = 0; i < arguments.length; i++) {
            boolean flag = arguments[i].equals("--trace");
            if (!arguments[i].startsWith("--") || (!flag && i + 1 == arguments.length)) {
                System.err.println("bad argument: " + arguments[i]);
                System.exit(2);
            }
            String name = arguments[i].substring(2);
            options.computeIfAbsent(name, key -> new ArrayList<>()).add(flag ? "" : arguments[++i]);
        }
        for (String name : new String[] {"tcp", "prefix", "admin", "secret"}) {
            if (!options.containsKey(name)) {
                System.err.println("missing: --" + name);
                System.exit(2);
            }
        }
        HufuPeer peer = new HufuPeer(options);
        peer.run();
        System.exit(peer.failed == 0 ? 0 : 1);
    }

    private HufuPeer(Map<String, List<String>> options) {
        this.options = options;
        this.without = new HashSet<>(Arrays.asList(option("without", "").split(",")));
        this.prefix = option("prefix", null);
        this.probe = prefix + "/java-peer";
        this.administrator = secretOf(option("admin", null), option("secret", null));
        prepare(resolver);
        resolver.setSessionTracker(null);
        resolver.setConfiguration(new OwnRoot());
    }

    private void run() throws Exception {
        step("site-info", this::siteInfo);
        if (site == null) {
            return;
        }
        resolveSteps();
        step("clean", this::removeLeftovers);
        administrationSteps();
        readingSteps();
        transportSteps();
        listSteps();
        step("session", this::session);
        step("session-encrypted", this::encryptedSession);
        if (options.containsKey("root")) {
            walkSteps();
        }
        if (options.containsKey("recursive")) {
            recursiveSteps();
        }
        step("delete", () -> expect(1, send(new DeleteHandleRequest(bytes(probe), administrator))));
        step("delete-again", () -> expect(100, send(new DeleteHandleRequest(bytes(probe), administrator))));
        step("clean", this::removeLeftovers);
    }

    // ------------------------------------------------------------------ what the node says of itself

    private String siteInfo() throws Exception {
        SiteInfo answer = siteOf(endpoint("tcp"));
        StringBuilder text = new StringBuilder();
        require(answer.servers != null && answer.servers.length > 0, "no server in the site");
        for (ServerInfo server : answer.servers) {
            text.append("server ").append(server.serverId).append(" at ").append(server.getAddressString());
            text.append(", key of ").append(server.publicKey == null ? 0 : server.publicKey.length).append(" octets");
            for (Interface face : server.interfaces) {
                text.append(", ").append(face);
            }
        }
        ServerInfo server = answer.servers[0];
        require(answer.isPrimary, "the site is not a primary: it cannot be administered");
        require(server.publicKey != null && server.publicKey.length > 0, "the server has no public key");
        require(server.getPublicKey() != null, "the public key cannot be decoded");
        requireInterface(server, Interface.SP_HDL_TCP, endpoint("tcp").port);
        require(server.getInetAddress().equals(endpoint("tcp").address), "published address: " + server.getAddressString());
        site = answer;
        return text.toString();
    }

    private static void requireInterface(ServerInfo server, int protocol, int port) throws Wrong {
        for (Interface face : server.interfaces) {
            boolean both = face.type == Interface.ST_ADMIN_AND_QUERY;
            if (face.protocol == protocol && face.port == port && both) {
                return;
            }
        }
        throw new Wrong("no interface for queries and administration at port " + port);
    }

    // ------------------------------------------------------------------ resolution of given handles

    private void resolveSteps() throws Exception {
        for (String handle : options.getOrDefault("handle", List.of())) {
            step("resolve-tcp " + handle, () -> describe(resolve(handle, "tcp")));
            for (String transport : new String[] {"udp", "http", "https"}) {
                if (options.containsKey(transport.equals("https") ? "http" : transport)) {
                    step("resolve-" + transport + " " + handle, () -> same(resolve(handle, "tcp"), resolve(handle, transport)));
                }
            }
        }
    }

    private HandleValue[] resolve(String handle, String transport) throws Exception {
        ResolutionRequest request = new ResolutionRequest(bytes(handle), null, null, null);
        return values(handle, over(transport, request));
    }

    /** Sends without looking at the site information: address and port come from the arguments. */
    private AbstractResponse over(String transport, AbstractRequest request) throws Exception {
        Endpoint end = endpoint(transport.equals("https") ? "http" : transport);
        switch (transport) {
            case "tcp":
                return resolver.sendHdlTcpRequest(request, end.address, end.port);
            case "udp":
                return resolver.sendHdlUdpRequest(request, end.address, end.port);
            case "http":
                return resolver.sendHttpRequest(request, end.address, end.port);
            default:
                // The server certificate is held against the key of the site information.
                SiteInfo secure = onlyInterface(Interface.SP_HDL_HTTPS, end.port);
                return resolver.sendRequestToSite(request, secure, Interface.SP_HDL_HTTPS);
        }
    }

    private SiteInfo onlyInterface(byte protocol, int port) {
        SiteInfo copy = new SiteInfo(site);
        for (ServerInfo server : copy.servers) {
            server.interfaces = new Interface[] {new Interface(Interface.ST_ADMIN_AND_QUERY, protocol, port)};
        }
        return copy;
    }

    // ------------------------------------------------------------------ administration

    private void administrationSteps() {
        HandleValue url = text(1, "URL", "https://example.org/one");
        HandleValue mail = text(2, "EMAIL", "one@example.org");
        HandleValue secret = text(3, "NOTE", "for administrators");
        secret.setAnyoneCanRead(false);

        step("create", () -> expect(1, send(create(probe, url, secret, adminValue()))));
        step("create-again", () -> expect(101, send(create(probe, url))));
        step("create-overwrite", () -> {
            CreateHandleRequest request = create(probe, url, secret, adminValue());
            request.overwriteWhenExists = true;
            return expect(1, send(request));
        });
        step("create-mint", this::mint);
        step("create-wrong-secret", () -> {
            CreateHandleRequest request = create(prefix + "/java-peer-refused", url);
            request.authInfo = secretOf(option("admin", null), option("secret", null) + "x");
            return expect(403, send(request));
        });
        step("create-stranger", () -> {
            CreateHandleRequest request = create(prefix + "/java-peer-refused", url);
            request.authInfo = secretOf("300:" + prefix + "/java-peer-nobody", "whatever");
            return expect(400, send(request));
        });
        step("create-foreign-prefix", () -> expect(301, send(create(ELSEWHERE, url))));
        step("add", () -> expect(1, send(new AddValueRequest(bytes(probe), mail, administrator))));
        step("add-conflict", () -> expect(201, send(new AddValueRequest(bytes(probe), mail, administrator))));
        step("modify", () -> {
            HandleValue changed = text(2, "EMAIL", "two@example.org");
            expect(1, send(new ModifyValueRequest(bytes(probe), changed, administrator)));
            HandleValue seen = only(resolve(probe, "tcp"), 2);
            require(seen.getDataAsString().equals("two@example.org"), "value 2 reads " + seen.getDataAsString());
            return "";
        });
        step("modify-missing", () -> {
            HandleValue missing = text(77, "EMAIL", "x");
            return expect(200, send(new ModifyValueRequest(bytes(probe), missing, administrator)));
        });
        step("remove", () -> {
            expect(1, send(new RemoveValueRequest(bytes(probe), 2, administrator)));
            require(find(resolve(probe, "tcp"), 2) == null, "value 2 is still there");
            return "";
        });
        step("remove-missing", () -> expect(200, send(new RemoveValueRequest(bytes(probe), 2, administrator))));
    }

    private String mint() throws Exception {
        CreateHandleRequest request = create(prefix + "/java-mint-", text(1, "URL", "https://example.org/m"), adminValue());
        request.mintNewSuffix = true;
        AbstractResponse answer = send(request);
        expect(1, answer);
        require(answer instanceof CreateHandleResponse, "the answer does not name the handle");
        String minted = Util.decodeString(((CreateHandleResponse) answer).handle);
        String start = (prefix + "/java-mint-").toUpperCase();
        require(minted.toUpperCase().startsWith(start) && minted.length() == start.length() + 36, "minted " + minted);
        expect(1, send(new DeleteHandleRequest(bytes(minted), administrator)));
        return minted;
    }

    // ------------------------------------------------------------------ what is read back

    private void readingSteps() {
        step("missing-handle", () -> expect(100, over("tcp", query(prefix + "/java-peer-absent", null, null))));
        step("missing-values", () -> expect(200, over("tcp", query(probe, new String[] {"NO-SUCH-TYPE"}, null))));
        step("select-index-or-type", () -> {
            AbstractResponse answer = over("tcp", query(probe, new String[] {"hs_admin"}, new int[] {1}));
            HandleValue[] values = values(probe, answer);
            require(values.length == 2 && values[0].getIndex() == 1 && values[1].getIndex() == 100, describe(values));
            return "";
        });
        step("echo-spelling", () -> {
            String spelling = prefix + "/Java-PEER";
            AbstractResponse answer = over("tcp", query(spelling, null, null));
            expect(1, answer);
            String echo = Util.decodeString(((ResolutionResponse) answer).handle);
            require(echo.equals(spelling), "answered " + echo);
            return "";
        });
        step("private-anonymous", () -> {
            ResolutionRequest request = query(probe, null, null);
            require(find(values(probe, over("tcp", request)), 3) == null, "a private value went out");
            return "";
        });
        step("private-authenticated", () -> {
            ResolutionRequest request = query(probe, null, null);
            request.ignoreRestrictedValues = false;
            request.authInfo = administrator;
            return describe(new HandleValue[] {only(values(probe, send(request)), 3)});
        });
        step("request-digest", () -> {
            ResolutionRequest request = query(probe, null, null);
            request.returnRequestDigest = true;
            return expect(1, over("tcp", request));
        });
    }

    // ------------------------------------------------------------------ transports

    private void transportSteps() {
        step("certified-tcp", () -> certified(Interface.SP_HDL_TCP));
        if (options.containsKey("http")) {
            step("administer-http", this::administerThroughTunnel);
        }
        if (!options.containsKey("udp")) {
            return;
        }
        step("certified-udp", () -> certified(Interface.SP_HDL_UDP));
        step("udp-many-packets", () -> {
            String handle = prefix + "/java-big";
            HandleValue big = text(1, "TEXT", "0123456789".repeat(BIG_VALUE_OCTETS / 10));
            expect(1, send(create(handle, big, adminValue())));
            HandleValue[] values = resolve(handle, "udp");
            require(Arrays.equals(only(values, 1).getData(), big.getData()), "the value came back changed");
            return "";
        });
    }

    /** The library checks the signature with the key in the site information. */
    private String certified(int protocol) throws Exception {
        byte type = Interface.ST_ADMIN_AND_QUERY;
        int port = endpoint(protocol == Interface.SP_HDL_UDP ? "udp" : "tcp").port;
        SiteInfo copy = onlyInterface((byte) protocol, port);
        ResolutionRequest request = query(probe, null, null);
        request.certify = true;
        return expect(1, resolver.sendRequestToSite(request, copy, protocol));
    }

    /** Handle messages as bodies of POST: the library reads them raw, a chunked answer would break it. */
    private String administerThroughTunnel() throws Exception {
        SiteInfo tunnel = onlyInterface(Interface.SP_HDL_HTTP, endpoint("http").port);
        AddValueRequest add = new AddValueRequest(bytes(probe), text(6, "HTTP", "tunnel"), administrator);
        expect(1, resolver.sendRequestToSite(add, tunnel, Interface.SP_HDL_HTTP));
        RemoveValueRequest remove = new RemoveValueRequest(bytes(probe), 6, administrator);
        return expect(1, resolver.sendRequestToSite(remove, tunnel, Interface.SP_HDL_HTTP));
    }

    private void listSteps() throws Exception {
        step("list-tcp", () -> {
            for (int i = 0; i < LISTED_HANDLES; i++) {
                expect(1, send(create(prefix + "/java-list-" + i, text(1, "N", "" + i), adminValue())));
            }
            return listed(tcpSite());
        });
        if (options.containsKey("http")) {
            step("list-http", () -> listed(onlyInterface(Interface.SP_HDL_HTTP, endpoint("http").port)));
        }
    }

    private String listed(SiteInfo where) throws Exception {
        Set<String> names = new HashSet<>();
        resolver.listHandlesUnderPrefixAtSite("0.NA/" + prefix, where, administrator,
            name -> names.add(Util.upperCase(Util.decodeString(name))));
        int found = 0;
        for (int i = 0; i < LISTED_HANDLES; i++) {
            found += names.contains(Util.upperCase(prefix + "/java-list-" + i)) ? 1 : 0;
        }
        require(found == LISTED_HANDLES, found + " of " + LISTED_HANDLES + " handles listed");
        return names.size() + " names";
    }

    // ------------------------------------------------------------------ sessions

    private String session() throws Exception {
        return inSession(new SessionSetupInfo(administrator));
    }

    private String encryptedSession() throws Exception {
        SessionSetupInfo setup = new SessionSetupInfo(administrator);
        setup.encrypted = true;
        setup.authenticated = true;
        return inSession(setup);
    }

    /** Two operations in one session: the first is challenged, the second is not. */
    private String inSession(SessionSetupInfo setup) throws Exception {
        HandleResolver own = new HandleResolver();
        prepare(own);
        own.setConfiguration(new OwnRoot());
        ClientSessionTracker tracker = new ClientSessionTracker(setup);
        own.setSessionTracker(tracker);
        HandleValue value = text(9, "SESSION", "added in a session");
        AddValueRequest add = new AddValueRequest(bytes(probe), value, administrator);
        add.sessionTracker = tracker;
        expect(1, own.sendRequestToSite(add, tcpSite(), Interface.SP_HDL_TCP));
        RemoveValueRequest remove = new RemoveValueRequest(bytes(probe), 9, administrator);
        remove.sessionTracker = tracker;
        expect(1, own.sendRequestToSite(remove, tcpSite(), Interface.SP_HDL_TCP));
        require(tracker.getAllSessions().length == 1, tracker.getAllSessions().length + " sessions are open");
        return "session " + tracker.getAllSessions()[0].getSessionID();
    }

    // ------------------------------------------------------------------ from the root down

    private void walkSteps() {
        SiteInfo[] found = new SiteInfo[1];
        step("root-site", () -> {
            found[0] = siteOf(endpoint("root"));
            return "";
        });
        if (found[0] == null) {
            return;
        }
        SiteInfo root = found[0];
        for (String handle : everywhere()) {
            step("walk " + handle, () -> {
                HandleResolver walker = walker(new OwnRoot(root));
                return describe(values(handle, walker.processRequest(query(handle, null, null))));
            });
        }
        step("walk-certified " + probe, () -> {
            ResolutionRequest request = query(probe, null, null);
            request.certify = true;
            return expect(1, walker(new OwnRoot(root)).processRequest(request));
        });
        step("walk-administer", () -> {
            HandleValue value = text(8, "WALK", "added from the root down");
            HandleResolver walker = walker(new OwnRoot(root));
            expect(1, walker.processRequest(new AddValueRequest(bytes(probe), value, administrator)));
            return expect(1, walker.processRequest(new RemoveValueRequest(bytes(probe), 8, administrator)));
        });
        step("walk-session", () -> {
            HandleResolver walker = walker(new OwnRoot(root));
            walker.setSessionTracker(new ClientSessionTracker(new SessionSetupInfo(administrator)));
            HandleValue value = text(7, "WALK", "added from the root down, in a session");
            expect(1, walker.processRequest(new AddValueRequest(bytes(probe), value, administrator)));
            return expect(1, walker.processRequest(new RemoveValueRequest(bytes(probe), 7, administrator)));
        });
        step("walk-unknown-prefix", () -> {
            try {
                return expect(100, walker(new OwnRoot(root)).processRequest(query(ELSEWHERE, null, null)));
            } catch (HandleException none) {
                int code = none.getCode();
                require(code == HandleException.SERVICE_NOT_FOUND || code == HandleException.HANDLE_DOES_NOT_EXIST, none.toString());
                return none.toString();
            }
        });
    }

    /** Handles of this node, and those that only the way over the root leads to. */
    private List<String> everywhere() {
        List<String> handles = new ArrayList<>(options.getOrDefault("handle", List.of()));
        handles.add(probe);
        handles.addAll(options.getOrDefault("far", List.of()));
        return handles;
    }

    private HandleResolver walker(Configuration configuration) {
        HandleResolver walker = new HandleResolver();
        prepare(walker);
        walker.setSessionTracker(null);
        walker.setConfiguration(configuration);
        return walker;
    }

    private void recursiveSteps() throws Exception {
        Endpoint end = endpoint("recursive");
        for (String handle : everywhere()) {
            step("recursive " + handle, () -> {
                ResolutionRequest request = query(handle, null, null);
                return describe(values(handle, resolver.sendHdlTcpRequest(request, end.address, end.port)));
            });
        }
        step("recursive-as-cache " + probe, () -> {
            OwnRoot configuration = new OwnRoot();
            configuration.setCacheSites(new SiteInfo[] {siteOf(end)});
            configuration.setResolutionMethod(Configuration.RM_WITH_CACHE);
            return describe(values(probe, walker(configuration).processRequest(query(probe, null, null))));
        });
        step("recursive-missing", () -> {
            ResolutionRequest request = query(prefix + "/java-peer-absent", null, null);
            return expect(100, resolver.sendHdlTcpRequest(request, end.address, end.port));
        });
    }

    /** A root of our choice: no settings from files, no update of the global root in the background. */
    private static final class OwnRoot extends SimpleConfiguration {
        OwnRoot(SiteInfo... sites) {
            setGlobalSites(sites);
            setGlobalValues(new HandleValue[0]);
            setGlobalSites(sites);
        }

        @Override
        public boolean isAutoUpdateRootInfo() {
            return false;
        }

        @Override
        public void startAutoUpdate(HandleResolver resolver) {}

        @Override
        public void notifyRootInfoOutdated(HandleResolver resolver) {}

        @Override
        public void checkRootInfoUpToDate(HandleResolver resolver, String handle, HandleValue[] values) {}
    }

    // ------------------------------------------------------------------ small parts

    private void prepare(HandleResolver any) {
        any.setTcpTimeout(TIMEOUT_MILLISECONDS);
        any.traceMessages = options.containsKey("trace");
    }

    /** Authenticates when challenged; without a session. */
    private AbstractResponse send(AbstractRequest request) throws HandleException {
        return resolver.sendRequestToSite(request, tcpSite(), Interface.SP_HDL_TCP);
    }

    private SiteInfo tcpSite() {
        for (Interface face : site.servers[0].interfaces) {
            if (face.protocol == Interface.SP_HDL_TCP) {
                return onlyInterface(Interface.SP_HDL_TCP, face.port);
            }
        }
        throw new IllegalStateException("checked by the first step");
    }

    private SiteInfo siteOf(Endpoint end) throws Exception {
        GenericRequest request = new GenericRequest(Common.BLANK_HANDLE, AbstractMessage.OC_GET_SITE_INFO, null);
        AbstractResponse answer = resolver.sendHdlTcpRequest(request, end.address, end.port);
        expect(1, answer);
        return ((GetSiteInfoResponse) answer).siteInfo;
    }

    private String removeLeftovers() throws Exception {
        List<String> names = new ArrayList<>(List.of(probe, prefix + "/java-big"));
        for (int i = 0; i < LISTED_HANDLES; i++) {
            names.add(prefix + "/java-list-" + i);
        }
        for (String name : names) {
            if (over("tcp", query(name, null, null)).responseCode != 100) {
                expect(1, send(new DeleteHandleRequest(bytes(name), administrator)));
            }
        }
        return "";
    }

    private CreateHandleRequest create(String handle, HandleValue... values) {
        return new CreateHandleRequest(bytes(handle), values, administrator);
    }

    private static ResolutionRequest query(String handle, String[] types, int[] indexes) {
        byte[][] octets = types == null ? null : Arrays.stream(types).map(HufuPeer::bytes).toArray(byte[][]::new);
        return new ResolutionRequest(bytes(handle), octets, indexes, null);
    }

    private static HandleValue text(int index, String type, String data) {
        return new HandleValue(index, type, data);
    }

    private HandleValue adminValue() {
        AdminRecord record = new AdminRecord(administrator.getUserIdHandle(), administrator.getUserIdIndex(),
            true, true, true, true, true, true, true, true, true, true, true, true);
        return new HandleValue(100, bytes("HS_ADMIN"), Encoder.encodeAdminRecord(record));
    }

    private static AuthenticationInfo secretOf(String identity, String secret) {
        int colon = identity.indexOf(':');
        int index = Integer.parseInt(identity.substring(0, colon));
        return new SecretKeyAuthenticationInfo(bytes(identity.substring(colon + 1)), index, bytes(secret));
    }

    private static HandleValue[] values(String handle, AbstractResponse answer) throws Exception {
        expect(1, answer);
        require(answer instanceof ResolutionResponse, "not a resolution answer: " + answer);
        HandleValue[] values = ((ResolutionResponse) answer).getHandleValues();
        for (int i = 1; i < values.length; i++) {
            require(values[i - 1].getIndex() < values[i].getIndex(), "values of " + handle + " are not in ascending order");
        }
        return values;
    }

    private static HandleValue find(HandleValue[] values, int index) {
        return Arrays.stream(values).filter(value -> value.getIndex() == index).findFirst().orElse(null);
    }

    private static HandleValue only(HandleValue[] values, int index) throws Wrong {
        HandleValue found = find(values, index);
        require(found != null, "no value " + index + " in " + describe(values));
        return found;
    }

    private static String same(HandleValue[] expected, HandleValue[] seen) throws Wrong {
        require(HandleValue.unorderedEquals(expected, seen), "differs from the answer over TCP:\n" + describe(seen));
        return "";
    }

    private static String describe(HandleValue[] values) {
        StringBuilder text = new StringBuilder();
        for (HandleValue value : values) {
            String data = value.getDataAsString().replaceAll("\\p{Cntrl}", "·");
            String shown = data.length() > 100 ? data.substring(0, 100) + "…" : data;
            text.append(text.length() == 0 ? "" : "\n");
            text.append(value.getIndex()).append(' ').append(value.getTypeAsString()).append(' ').append(shown);
        }
        return text.toString();
    }

    private static String expect(int code, AbstractResponse answer) throws Wrong {
        require(answer != null, "no answer");
        require(answer.responseCode == code, "response code " + answer.responseCode + " instead of " + code + ": " + answer);
        return "";
    }

    private static void require(boolean condition, String otherwise) throws Wrong {
        if (!condition) {
            throw new Wrong(otherwise);
        }
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private String option(String name, String otherwise) {
        List<String> given = options.get(name);
        return given == null ? otherwise : given.get(given.size() - 1);
    }

    private Endpoint endpoint(String name) throws Exception {
        String text = option(name, null).replaceFirst("^https?://", "").replaceFirst("/$", "");
        int colon = text.lastIndexOf(':');
        String host = text.substring(0, colon).replaceAll("[\\[\\]]", "");
        return new Endpoint(InetAddress.getByName(host), Integer.parseInt(text.substring(colon + 1)));
    }

    private static final class Endpoint {
        final InetAddress address;
        final int port;

        Endpoint(InetAddress address, int port) {
            this.address = address;
            this.port = port;
        }
    }

    private static final class Wrong extends Exception {
        private static final long serialVersionUID = 1L;

        Wrong(String reason) {
            super(reason);
        }
    }

    private interface Step {
        String take() throws Exception;
    }

    /** A step is named by its first word in {@code --without}. */
    private void step(String name, Step step) {
        if (without.contains(name.split(" ")[0])) {
            System.out.println("skip " + name);
            return;
        }
        try {
            String detail = step.take();
            System.out.println("ok " + name);
            if (!detail.isEmpty()) {
                System.out.println("    " + detail.replace("\n", "\n    "));
            }
        } catch (Wrong reason) {
            failed++;
            System.out.println("FAIL " + name + ": " + reason.getMessage());
        } catch (Exception error) {
            failed++;
            System.out.println("FAIL " + name + ": " + error);
        }
    }
}

import java.util.List;
import java.util.Map;
import java.util.Scanner;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.eclipse.milo.opcua.sdk.server.EndpointConfig;
import org.eclipse.milo.opcua.sdk.server.ManagedNamespaceWithLifecycle;
import org.eclipse.milo.opcua.sdk.server.OpcUaServer;
import org.eclipse.milo.opcua.sdk.server.OpcUaServerConfig;
import org.eclipse.milo.opcua.sdk.server.items.DataItem;
import org.eclipse.milo.opcua.sdk.server.items.MonitoredItem;
import org.eclipse.milo.opcua.sdk.server.nodes.UaFolderNode;
import org.eclipse.milo.opcua.sdk.server.nodes.UaVariableNode;
import org.eclipse.milo.opcua.stack.core.NodeIds;
import org.eclipse.milo.opcua.stack.core.security.DefaultCertificateManager;
import org.eclipse.milo.opcua.stack.core.security.MemoryCertificateQuarantine;
import org.eclipse.milo.opcua.stack.core.types.builtin.DataValue;
import org.eclipse.milo.opcua.stack.core.types.builtin.DateTime;
import org.eclipse.milo.opcua.stack.core.types.builtin.LocalizedText;
import org.eclipse.milo.opcua.stack.core.types.builtin.NodeId;
import org.eclipse.milo.opcua.stack.core.types.builtin.StatusCode;
import org.eclipse.milo.opcua.stack.core.types.builtin.Variant;
import org.eclipse.milo.opcua.stack.transport.server.tcp.OpcTcpServerTransport;
import org.eclipse.milo.opcua.stack.transport.server.tcp.OpcTcpServerTransportConfig;

/**
 * Serves {@code ns=2;s=N0} to {@code N(count-1)}. Said "go RATE", it counts every node up by one in turn, RATE changes a
 * second; said "stop", it stops and prints how many changes there were. Each change is handed to the monitored items
 * itself, so that none is lost by sampling.
 */
public final class MiloLoad extends ManagedNamespaceWithLifecycle {
    private final Map<NodeId, List<DataItem>> items = new ConcurrentHashMap<>();
    private final UaVariableNode[] nodes;
    private final AtomicLong changes = new AtomicLong();
    private volatile boolean going = false;

    private MiloLoad(OpcUaServer server, int count) {
        super(server, "urn:hydro:peers:load");
        nodes = new UaVariableNode[count];
        getLifecycleManager().addStartupTask(this::addNodes);
    }

    private void addNodes() {
        UaFolderNode folder = new UaFolderNode(getNodeContext(), newNodeId("Load"), newQualifiedName("Load"), LocalizedText.english("Load"));
        getNodeManager().addNode(folder);
        folder.addReference(new org.eclipse.milo.opcua.sdk.core.Reference(
            folder.getNodeId(), NodeIds.Organizes, NodeIds.ObjectsFolder.expanded(), false));
        for (int n = 0; n < nodes.length; n++) {
            UaVariableNode node = new UaVariableNode.UaVariableNodeBuilder(getNodeContext())
                .setNodeId(newNodeId("N" + n)).setBrowseName(newQualifiedName("N" + n))
                .setDisplayName(LocalizedText.english("N" + n)).setDataType(NodeIds.Double)
                .setTypeDefinition(NodeIds.BaseDataVariableType).build();
            node.setValue(valueOf(0.0));
            getNodeManager().addNode(node);
            folder.addOrganizes(node);
            nodes[n] = node;
        }
    }

    private static DataValue valueOf(double number) {
        return new DataValue(new Variant(number), StatusCode.GOOD, DateTime.now(), DateTime.now());
    }

    private void change(double rate) {
        long begun = System.nanoTime();
        for (long n = 0; going; n++) {
            UaVariableNode node = nodes[(int) (n % nodes.length)];
            DataValue value = valueOf(n / nodes.length + 1);
            node.setValue(value);
            for (DataItem item : items.getOrDefault(node.getNodeId(), List.of())) {
                item.setValue(value);
            }
            changes.incrementAndGet();
            long due = begun + (long) ((n + 1) / rate * 1e9);
            if (due - System.nanoTime() > 1_000_000) {
                LockSupport.parkNanos(due - System.nanoTime());
            }
        }
    }

    @Override
    public void onDataItemsCreated(List<DataItem> created) {
        for (DataItem item : created) {
            NodeId id = item.getReadValueId().getNodeId();
            items.computeIfAbsent(id, ignored -> new CopyOnWriteArrayList<>()).add(item);
            getNodeManager().getNode(id).ifPresent(node -> item.setValue(((UaVariableNode) node).getValue()));
        }
    }

    @Override
    public void onDataItemsModified(List<DataItem> modified) {}

    @Override
    public void onDataItemsDeleted(List<DataItem> deleted) {
        for (DataItem item : deleted) {
            items.getOrDefault(item.getReadValueId().getNodeId(), List.of()).remove(item);
        }
    }

    @Override
    public void onMonitoringModeChanged(List<MonitoredItem> changed) {}

    public static void main(String[] args) throws Exception {
        int port = Integer.parseInt(args[0]);
        int count = Integer.parseInt(args[1]);
        EndpointConfig endpoint = EndpointConfig.newBuilder()
            .setBindAddress("127.0.0.1").setHostname("127.0.0.1").setBindPort(port)
            .addTokenPolicy(OpcUaServerConfig.USER_TOKEN_POLICY_ANONYMOUS).build();
        OpcUaServerConfig config = OpcUaServerConfig.builder()
            .setApplicationUri("urn:hydro:peers:server").setApplicationName(LocalizedText.english("load"))
            .setEndpoints(Set.of(endpoint))
            .setCertificateManager(new DefaultCertificateManager(new MemoryCertificateQuarantine())).build();
        OpcUaServer server = new OpcUaServer(
            config, profile -> new OpcTcpServerTransport(OpcTcpServerTransportConfig.newBuilder().build()));
        MiloLoad load = new MiloLoad(server, count);
        load.startup();
        server.startup().get(20, TimeUnit.SECONDS);
        System.out.println("ready");
        Thread changer = null;
        Scanner orders = new Scanner(System.in);
        while (orders.hasNextLine()) {
            String[] order = orders.nextLine().split(" ");
            if (order[0].equals("go")) {
                double rate = Double.parseDouble(order[1]);
                load.going = true;
                changer = new Thread(() -> load.change(rate));
                changer.setDaemon(true);
                changer.start();
            } else if (order[0].equals("stop") && changer != null) {
                load.going = false;
                changer.join();
                System.out.println(load.changes.get());
            }
        }
        server.shutdown().get(5, TimeUnit.SECONDS);
        System.exit(0);
    }
}

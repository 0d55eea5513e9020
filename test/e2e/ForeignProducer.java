import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Writes messages with Kafka's own client. Arguments: brokers, topic, and a file with a line for each message: how to send it
 * and its bytes in base64, "-" for a tombstone. How: a compression type, or "commit" or "abort" for a transaction.
 */
public class ForeignProducer {
  public static void main(String[] args) throws Exception {
    Map<String, List<byte[]>> lots = new LinkedHashMap<>();
    for (String line : Files.readAllLines(Path.of(args[2]))) {
      String[] parts = line.split(" ");
      byte[] value = parts[1].equals("-") ? null : Base64.getDecoder().decode(parts[1].substring(1));
      lots.computeIfAbsent(parts[0], how -> new ArrayList<>()).add(value);
    }
    for (Map.Entry<String, List<byte[]>> lot : lots.entrySet()) {
      send(args[0], args[1], lot.getKey(), lot.getValue());
    }
  }

  private static void send(String brokers, String topic, String how, List<byte[]> values) {
    boolean transaction = how.equals("commit") || how.equals("abort");
    Map<String, Object> settings = new LinkedHashMap<>();
    settings.put("bootstrap.servers", brokers);
    settings.put("max.request.size", 4_000_000);
    settings.put("linger.ms", 20);
    settings.put("compression.type", transaction ? "none" : how);
    if (transaction) settings.put("transactional.id", topic + "-" + how);
    ByteArraySerializer bytes = new ByteArraySerializer();
    try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(settings, bytes, bytes)) {
      if (transaction) {
        producer.initTransactions();
        producer.beginTransaction();
      }
      int sent = 0;
      for (byte[] value : values) {
        // Half of them without a key, half of them with headers.
        byte[] key = sent % 2 == 0 ? null : ("key " + sent).getBytes();
        ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(topic, key, value);
        if (sent % 4 < 2) record.headers().add("trace", how.getBytes());
        producer.send(record);
        sent++;
      }
      // Without it an aborted transaction would never reach the log.
      producer.flush();
      if (how.equals("commit")) producer.commitTransaction();
      if (how.equals("abort")) producer.abortTransaction();
    }
  }
}
